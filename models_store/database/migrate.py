"""Migrates the database to the schema of this version, and checks its schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from domain.errors import GraphfitError
from models_store.database.engine import Database
from models_store.settings import Settings

ADVISORY_LOCK = 7_227_348
"""Key of the PostgreSQL lock under which one process migrates at a time."""


class SchemaMismatch(GraphfitError):
    """The database has another schema than this version of Graphfit."""


def migrate(database: Database, revision: str = "head") -> None:
    """Runs all pending migrations in one transaction; other processes wait for it.

    Args:
        revision: The last revision to apply; tests stop at an older one.

    Raises:
        SchemaMismatch: A newer version of Graphfit has migrated this database.
    """
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        config = _config(connection)
        _refuse_newer(connection, config)
        command.upgrade(config, revision)


def open_current(settings: Settings) -> Database:
    """Opens the database and checks its schema.

    Raises:
        SchemaMismatch: The schema is missing, older or newer.
        Busy: The database does not answer.
    """
    database = Database.from_settings(settings)
    try:
        with database.read() as connection:
            check_schema(connection)
    except BaseException:
        database.close()
        raise
    return database


def check_schema(connection: Connection) -> None:
    """Does nothing if the schema is current.

    Raises:
        SchemaMismatch: The schema is missing, older or newer.
    """
    config = _config(connection)
    _refuse_newer(connection, config)
    present = _present(connection)
    if present is None:
        raise SchemaMismatch(
            "The database has no schema yet; `graphfit migrate` or `graphfit serve` creates it."
        )
    if present != ScriptDirectory.from_config(config).get_current_head():
        raise SchemaMismatch("The database's schema is old; run `graphfit migrate`.")


def _refuse_newer(connection: Connection, config: Config) -> None:
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    present = _present(connection)
    if present is not None and present not in known:
        raise SchemaMismatch(
            f"The database's schema is '{present}', which this version of Graphfit does not "
            "know: a newer one has migrated it. Upgrade this process."
        )


def _present(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
