"""A worker's heartbeats, from a real thread to a real database."""

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
from worker.supervisor.registration import Registration, make_announcement

LOST_SECONDS = 0.3


@pytest.fixture
def found(tmp_path: Path) -> Database:
    """An embedded database without any tables."""
    return Database(f"sqlite:///{tmp_path / 'graphfit.sqlite'}")


def only(database: Database) -> Row[Any, Any] | None:
    with database.read() as connection:
        return connection.execute(select(workers.c.id, workers.c.heartbeat)).one_or_none()


def test_a_worker_sends_heartbeats_until_it_stops_and_is_then_removed(found: Database) -> None:
    migrate(found)
    announced = make_announcement(Machine(CPU, ("a processor",), {"device": "cpu"}))
    registration = Registration(announced, found, LOST_SECONDS)
    registration.start()
    first = until(lambda: only(found), "the first heartbeat")
    assert first.id == announced.id

    def later() -> bool | None:
        row = only(found)
        return True if row is not None and row.heartbeat > first.heartbeat else None

    until(later, "another heartbeat")
    registration.stop()
    assert only(found) is None


def test_a_worker_registers_once_the_database_has_tables(found: Database) -> None:
    registration = Registration(make_announcement(Machine(CPU, (), {})), found, LOST_SECONDS)
    registration.start()  # without tables nothing can be written
    migrate(found)
    until(lambda: only(found), "a heartbeat once the tables exist")
    registration.stop()


def test_stopping_without_a_start_does_nothing(found: Database) -> None:
    Registration(make_announcement(Machine(CPU, (), {})), found, LOST_SECONDS).stop()
