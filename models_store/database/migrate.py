"""Migrates the database to the schema of this version."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from models_store.database.engine import Database
from models_store.database.schema import VERSIONS, refuse_newer

ADVISORY_LOCK = 7_227_348
"""Key of the PostgreSQL lock under which one process migrates at a time."""


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
            # Alembic imports the migrations between two statements, which may take long.
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        refuse_newer(connection)
        command.upgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
