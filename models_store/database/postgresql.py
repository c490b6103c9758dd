"""PostgreSQL through psycopg: no statement and no silence of the server lasts for ever."""

from typing import Any, NamedTuple

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, create_engine, event, make_url

CONNECT_SECONDS = 5
IDLE_SECONDS = 5
"""Who pauses for longer inside a transaction, stopped perhaps, holds up everybody else."""


class Bounds(NamedTuple):
    """What one process may ask of the server."""

    connections: int = 10
    seconds: float | None = 20.0
    """For one statement; None: it takes what it takes."""


class Connection(psycopg.Connection[Any]):
    """Ends when the server is silent for too long: a server that hangs ends no statement itself."""

    seconds: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg's own, with a bound where the caller gives none."""
        bound = self.seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval=interval, timeout=bound)
        except psycopg.OperationalError:
            if self.info.transaction_status == TransactionStatus.ACTIVE:
                self.close()  # a late answer would be taken for the next statement's
            raise


def engine_of(url: str, bounds: Bounds) -> Engine:
    """A pool that opens no more connections than it may, and replaces those that were lost."""
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
    """A peer that is gone without a word is noticed as soon as one that hangs."""
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
