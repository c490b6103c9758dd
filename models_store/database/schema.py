"""Checks the schema of a database without Alembic, which loads slowly."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from domain.errors import GraphfitError
from models_store.database.engine import Database
from models_store.settings import Settings

VERSIONS = Path(__file__).parent / "migrations" / "versions"
"""The migrations; the name of each file begins with its revision."""


class SchemaMismatch(GraphfitError):
    """The database has another schema than this version of Graphfit."""


class SchemaMissing(SchemaMismatch):
    """The database has no tables yet."""


def open_current(settings: Settings) -> Database:
    """Opens the database and checks its schema.

    Raises:
        SchemaMissing: There is no schema.
        SchemaMismatch: The schema is older or newer.
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
        SchemaMissing: There is no schema.
        SchemaMismatch: The schema is older or newer.
    """
    refuse_newer(connection)
    present = read_revision(connection)
    if present is None:
        raise SchemaMissing(
            "The database has no schema yet; `graphfit migrate` or `graphfit serve` creates it."
        )
    if present != list_revisions()[-1]:
        raise SchemaMismatch("The database's schema is old; run `graphfit migrate`.")


def refuse_newer(connection: Connection) -> None:
    """Does nothing if this version knows the schema, or if there is none.

    Raises:
        SchemaMismatch: A newer version of Graphfit has migrated this database.
    """
    present = read_revision(connection)
    if present is not None and present not in list_revisions():
        raise SchemaMismatch(
            f"The database's schema is '{present}', which this version of Graphfit does not "
            "know: a newer one has migrated it. Upgrade this process."
        )


def list_revisions() -> list[str]:
    """Lists the revisions of the migrations, the oldest first."""
    return sorted(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def read_revision(connection: Connection) -> str | None:
    """Returns the revision of the schema; None if there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
