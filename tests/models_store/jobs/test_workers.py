"""Workers announce themselves, on both databases."""

from datetime import UTC, datetime
from typing import Any

from models_store.database.engine import Database
from models_store.database.tables import workers as table
from models_store.ids import new_id
from models_store.jobs import workers
from models_store.jobs.workers import Announcement
from tests.support import queued_jobs
from tests.support.queued_jobs import CPU, GPU, queue


def announced(**fields: Any) -> Announcement:
    told = {
        "id": new_id("worker"),
        "name": "machine-1",
        "capacity": CPU,
        "devices": ("a processor",),
        "environment": {"device": "cpu", "onednn": True},
        "version": "1.2.3",
        "started_at": datetime.now(UTC),
    }
    return Announcement(**{**told, **fields})


def beat(database: Database, worker: Announcement, lost_after_seconds: float = 60) -> None:
    with database.write() as connection:
        workers.beat(connection, worker, lost_after_seconds)


def seen(database: Database, owner: str = "local") -> list[dict[str, Any]]:
    with database.read() as connection:
        rows = workers.page(connection, owner, None, 50).rows
        return [workers.viewed(row).model_dump() for row in rows]


def test_a_worker_is_seen_with_what_it_offers(database: Database) -> None:
    cpu = announced()
    gpu = announced(capacity=GPU, devices=("a card",), started_at=datetime(2026, 1, 2, tzinfo=UTC))
    beat(database, cpu)
    beat(database, gpu)
    newest, oldest = seen(database)
    assert (newest["id"], oldest["id"]) == (gpu.id, cpu.id)
    assert newest["started_at"] == gpu.started_at
    assert (newest["device"], newest["gpus"], newest["devices"]) == ("gpu", 1, ["a card"])
    assert (oldest["device"], oldest["gpus"], oldest["memory_bytes"]) == ("cpu", 0, 2**34)
    assert (oldest["state"], oldest["job"], oldest["version"]) == ("idle", None, "1.2.3")
    with database.read() as connection:
        assert workers.offered(connection) == {CPU, GPU}


def test_a_busy_worker_shows_its_job_to_the_jobs_owner_alone(database: Database) -> None:
    worker = announced()
    beat(database, worker)
    with database.write() as connection:
        job_id = queue(connection, "anna")
        assert queued_jobs.claim(connection, worker.id) is not None
    assert [(one["state"], one["job"]) for one in seen(database, "anna")] == [("busy", job_id)]
    assert [(one["state"], one["job"]) for one in seen(database, "ben")] == [("busy", None)]


def test_a_silent_worker_is_lost_until_it_beats_again(database: Database) -> None:
    worker = announced()
    beat(database, worker, lost_after_seconds=-1)
    (lost,) = seen(database)
    assert lost["state"] == "lost"
    with database.read() as connection:
        assert workers.offered(connection) == frozenset()
    beat(database, worker)
    (again,) = seen(database)
    assert again["state"] == "idle"
    assert again["last_heartbeat"] >= lost["last_heartbeat"]


def test_a_worker_that_stops_is_forgotten_at_once_and_a_lost_one_after_an_hour(
    database: Database,
) -> None:
    stopped, lost, late = announced(), announced(), announced()
    for worker in (stopped, lost, late):
        beat(database, worker, lost_after_seconds=-1)
    with database.write() as connection:
        workers.retire(connection, stopped.id)
        long_ago = workers.FORGOTTEN_SECONDS + 1
        is_late = table.c.id == late.id
        connection.execute(
            table.update().where(is_late).values(alive_until=table.c.alive_until - long_ago)
        )
        workers.forget_lost(connection)
    assert [one["id"] for one in seen(database)] == [lost.id]


def test_one_that_was_forgotten_wrongly_announces_itself_again(database: Database) -> None:
    worker = announced()
    beat(database, worker)
    with database.write() as connection:
        workers.retire(connection, worker.id)
    beat(database, worker)
    assert [one["id"] for one in seen(database)] == [worker.id]
