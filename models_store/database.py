"""Opens the database: one transaction a `with`, and only that boundary commits."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError

from domain.errors import Busy, StorageFull
from models_store.settings import Settings

BUSY_MILLISECONDS = 30_000


class Database:
    """SQLite or PostgreSQL, by URL."""

    def __init__(self, url: str) -> None:
        self.engine = _sqlite(url) if url.startswith("sqlite") else _postgresql(url)

    @classmethod
    def of(cls, settings: Settings) -> "Database":
        """The database that the settings name."""
        return cls(settings.resolved_database_url)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; whatever is written in it is rolled back.

        Raises:
            Busy: the database does not answer.
        """
        with _spoken(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end, or rolled back whole.

        On SQLite it takes the write lock at once: a reader that turns writer would
        fail instead of waiting.

        Raises:
            Busy: the database does not answer.
            StorageFull: its disk is full.
        """
        with _spoken(), self.engine.connect() as connection:
            writer = connection.execution_options(graphfit_begin="BEGIN IMMEDIATE")
            with writer.begin():
                yield writer

    def close(self) -> None:
        """Gives all connections back."""
        self.engine.dispose()


@contextmanager
def _spoken() -> Iterator[None]:
    """The driver's trouble in the words of `domain.errors`."""
    try:
        yield
    except OperationalError as error:
        said = str(error.orig)
        if any(words in said for words in ("is full", "disk I/O error", "No space left")):
            raise StorageFull from error
        if isinstance(error.orig, sqlite3.Error) and "locked" not in said:
            raise
        raise Busy("The database does not answer just now.", retry_after=2) from error


def _sqlite(url: str) -> Engine:
    path = make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _configure_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("graphfit_begin", "BEGIN"))


def _postgresql(url: str) -> Engine:
    return create_engine(make_url(url).set(drivername="postgresql+psycopg"), pool_pre_ping=True)
