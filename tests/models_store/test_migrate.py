"""The schema, from an empty database on."""

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from models_store.database import Database
from models_store.migrate import SchemaMismatch, check_schema, migrate
from models_store.tables import metadata


def test_the_migrations_make_the_tables_that_the_code_knows(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_several_processes_may_migrate_at_once(empty_database: Database) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            migrate(empty_database)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with empty_database.read() as connection:
        check_schema(connection)


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="newer"):
        migrate(database)


def test_an_old_schema_is_noticed(empty_database: Database) -> None:
    with pytest.raises(SchemaMismatch, match="graphfit migrate"), empty_database.read() as found:
        check_schema(found)
