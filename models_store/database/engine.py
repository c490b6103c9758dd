"""Opens the database. Each `with` block is one transaction, and only its end commits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from domain.errors import Busy
from models_store.database.bounds import Bounds
from models_store.database.errors import RETRY_AFTER, translate_errors
from models_store.settings import Settings

BUSY_MILLISECONDS = 30_000


class Database:
    """An SQLite or PostgreSQL database."""

    def __init__(self, url: str, bounds: Bounds | None = None) -> None:
        self._write_lock: threading.Lock | None = None
        if url.startswith("sqlite"):
            self.engine = _create_sqlite_engine(url)
            self._write_lock = threading.Lock()
        else:
            # psycopg loads slowly, and SQLite does not need it
            from models_store.database.postgresql import create_postgresql_engine  # noqa: PLC0415

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
        writes later would fail instead of waiting for the lock. Threads wait in a queue of this
        process, since SQLite only looks for its lock again after pauses of up to 0.1 s.

        Raises:
            Busy: The database does not answer.
            StorageFull: The disk of the database is full.
        """
        with self._queue_write(), translate_errors(), self.engine.connect() as connection:
            writer = connection.execution_options(graphfit_begin="BEGIN IMMEDIATE")
            with writer.begin():
                yield writer

    @contextmanager
    def _queue_write(self) -> Iterator[None]:
        """Waits for the writers of this process, as long as SQLite would wait for its lock."""
        if self._write_lock is None:
            yield
            return
        if not self._write_lock.acquire(timeout=BUSY_MILLISECONDS / 1000):
            raise Busy("The database does not answer just now.", retry_after=RETRY_AFTER)
        try:
            yield
        finally:
            self._write_lock.release()

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
