"""Opens the database: one transaction a `with`, and only that boundary commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from models_store.database.errors import spoken
from models_store.database.postgresql import Bounds, engine_of
from models_store.settings import Settings

BUSY_MILLISECONDS = 30_000


class Database:
    """SQLite or PostgreSQL, by URL."""

    def __init__(self, url: str, bounds: Bounds | None = None) -> None:
        self.engine = (
            _sqlite(url) if url.startswith("sqlite") else engine_of(url, bounds or Bounds())
        )

    @classmethod
    def of(cls, settings: Settings, *, patient: bool = False) -> "Database":
        """The database that the settings name.

        Args:
            patient: A statement may take what it takes, as those that change the schema do.
        """
        seconds = None if patient else settings.database_seconds
        return cls(settings.resolved_database_url, Bounds(settings.database_connections, seconds))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; whatever is written in it is rolled back.

        Raises:
            Busy: the database does not answer.
        """
        with spoken(), self.engine.connect() as connection:
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
        with spoken(), self.engine.connect() as connection:
            writer = connection.execution_options(graphfit_begin="BEGIN IMMEDIATE")
            with writer.begin():
                yield writer

    def close(self) -> None:
        """Gives all connections back."""
        self.engine.dispose()


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
