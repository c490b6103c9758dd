"""Databases for tests: every test with the fixture `database` runs on SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models_store.database.engine import Database
from models_store.database.migrate import migrate
from tests.support.servers.postgresql import PostgreSql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A server that all tests of the session share; a test must not stop it."""
    server = PostgreSql()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgresql_url(postgresql: PostgreSql) -> str:
    """The URL of the server's first database."""
    return postgresql.url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'graphfit.sqlite'}")
    else:
        database = Database(request.getfixturevalue("postgresql_url"))
        with database.write() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    yield database
    database.close()


@pytest.fixture
def database(empty_database: Database) -> Database:
    """A database with the present schema."""
    migrate(empty_database)
    return empty_database
