"""Opens the database. Each `with` block is one transaction, and only its end commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from models_store.database.errors import translate_errors
from models_store.database.postgresql import Bounds, create_postgresql_engine
from models_store.settings import Settings

BUSY_MILLISECONDS = 30_000


class Database:
    """An SQLite or PostgreSQL database."""

    def __init__(self, url: str, bounds: Bounds | None = None) -> None:
        if url.startswith("sqlite"):
            self.engine = _create_sqlite_engine(url)
        else:
            self.engine = create_postgresql_engine(url, bounds or Bounds())

    @classmethod
    def from_settings(cls, settings: Settings, *, patient: bool = False) -> "Database":
        """Opens the database of the settings.

        Args:
            patient: Sets no time limit for a statement; changes of the schema need this.
        """
        seconds = None if patient else settings.database_seconds
        return cls(settings.resolved_database_url, Bounds(settings.database_connections, seconds))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Opens a transaction for reading, which is rolled back at its end.

        Raises:
            Busy: The database does not answer.
        """
        with translate_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Opens a transaction for writing: commits at its end, or rolls back on an exception.

        On SQLite it takes the write lock at its begin, since a transaction that reads first and
        writes later would fail instead of waiting for the lock.

        Raises:
            Busy: The database does not answer.
            StorageFull: The disk of the database is full.
        """
        with translate_errors(), self.engine.connect() as connection:
            writer = connection.execution_options(graphfit_begin="BEGIN IMMEDIATE")
            with writer.begin():
                yield writer

    def close(self) -> None:
        """Closes all connections of the pool."""
        self.engine.dispose()


def _create_sqlite_engine(url: str) -> Engine:
    path = make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _configure_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # `_begin` sends BEGIN
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("graphfit_begin", "BEGIN"))
