"""PostgreSQL connections with time limits for statements and for a silent server."""

from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, create_engine, event, make_url

from models_store.database.bounds import Bounds

CONNECT_SECONDS = 5
IDLE_SECONDS = 5
"""Longest pause inside a transaction: a process that is stopped there would block others."""


class Connection(psycopg.Connection[Any]):
    """A connection that closes after a time limit, since a hung server ends no statement itself."""

    seconds: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Waits like the method of psycopg, with a time limit if the caller sets none."""
        bound = self.seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval=interval, timeout=bound)
        except psycopg.OperationalError:
            if self.info.transaction_status == TransactionStatus.ACTIVE:
                self.close()  # a late answer would be read as that of the next statement
            raise


def create_postgresql_engine(url: str, bounds: Bounds) -> Engine:
    """Creates a pool with a maximum size, which replaces lost connections."""
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=bounds.connections,
        max_overflow=0,
        pool_timeout=bounds.seconds or 0,
        pool_pre_ping=True,
    )

    @event.listens_for(engine, "do_connect")
    def connect(_: Any, __: Any, ___: Any, options: dict[str, Any]) -> Connection:
        connection = Connection.connect(**{**_parameters(bounds), **options})
        connection.seconds = bounds.seconds and bounds.seconds + IDLE_SECONDS
        return connection

    return engine


def _parameters(bounds: Bounds) -> dict[str, Any]:
    """Connection parameters; the TCP limits detect a vanished server as fast as a hung one."""
    seconds = bounds.seconds or 0
    settings = {
        "statement_timeout": seconds,
        "idle_in_transaction_session_timeout": IDLE_SECONDS if seconds else 0,
    }
    return {
        "application_name": "graphfit",
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": round(seconds * 1000),
        "options": " ".join(f"-c {name}={value * 1000:.0f}" for name, value in settings.items()),
    }
