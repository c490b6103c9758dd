"""A worker's signs of life, from a real thread to a real database."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from models_store.database.engine import Database
from models_store.database.migrate import migrate
from models_store.database.tables import workers
from tests.support.queued_jobs import CPU
from tests.support.service import until
from worker.protocol.machine import Machine
from worker.supervisor.presence import Presence, announcement

LOST_SECONDS = 0.3


@pytest.fixture
def found(tmp_path: Path) -> Database:
    """Of the embedded kind, without a table yet."""
    return Database(f"sqlite:///{tmp_path / 'graphfit.sqlite'}")


def only(database: Database) -> Row[Any, Any] | None:
    with database.read() as connection:
        return connection.execute(select(workers.c.id, workers.c.heartbeat)).one_or_none()


def test_it_beats_until_it_ends_and_then_is_forgotten(found: Database) -> None:
    migrate(found)
    announced = announcement(Machine(CPU, ("a processor",), {"device": "cpu"}))
    presence = Presence(announced, found, LOST_SECONDS)
    presence.begin()
    first = until(lambda: only(found), "the first sign")
    assert first.id == announced.id

    def later() -> bool | None:
        row = only(found)
        return True if row is not None and row.heartbeat > first.heartbeat else None

    until(later, "another sign")
    presence.end()
    assert only(found) is None


def test_it_survives_a_store_that_is_away(found: Database) -> None:
    presence = Presence(announcement(Machine(CPU, (), {})), found, LOST_SECONDS)
    presence.begin()  # there is no table: nothing can be written
    migrate(found)
    until(lambda: only(found), "a sign once the store is there")
    presence.end()


def test_one_that_never_began_ends_quietly(found: Database) -> None:
    Presence(announcement(Machine(CPU, (), {})), found, LOST_SECONDS).end()
