"""Registration and heartbeats of workers, on both databases."""

from datetime import UTC, datetime
from typing import Any

from models_store.database.engine import Database
from models_store.database.paging import PageRequest
from models_store.database.tables import workers as table
from models_store.ids import new_id
from models_store.jobs import workers
from models_store.jobs.workers import Announcement
from tests.support import queued_jobs
from tests.support.queued_jobs import CPU, GPU, queue


def make_announcement(**fields: Any) -> Announcement:
    defaults = {
        "id": new_id("worker"),
        "name": "machine-1",
        "capacity": CPU,
        "devices": ("a processor",),
        "environment": {"device": "cpu", "onednn": True},
        "version": "1.2.3",
        "started_at": datetime.now(UTC),
    }
    return Announcement(**{**defaults, **fields})


def record_heartbeat(
    database: Database, worker: Announcement, lost_after_seconds: float = 60
) -> None:
    with database.write() as connection:
        workers.record_heartbeat(connection, worker, lost_after_seconds)


def list_workers(database: Database, owner: str = "local") -> list[dict[str, Any]]:
    with database.read() as connection:
        rows = workers.get_page(connection, owner, PageRequest(50)).rows
        return [workers.convert_row(row).model_dump() for row in rows]


def test_a_worker_is_listed_with_its_capacity(database: Database) -> None:
    cpu = make_announcement()
    gpu = make_announcement(
        capacity=GPU, devices=("a card",), started_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    record_heartbeat(database, cpu)
    record_heartbeat(database, gpu)
    newest, oldest = list_workers(database)
    assert (newest["id"], oldest["id"]) == (gpu.id, cpu.id)
    assert newest["started_at"] == gpu.started_at
    assert (newest["device"], newest["gpus"], newest["devices"]) == ("gpu", 1, ["a card"])
    assert (oldest["device"], oldest["gpus"], oldest["memory_bytes"]) == ("cpu", 0, 2**34)
    assert (oldest["state"], oldest["job"], oldest["version"]) == ("idle", None, "1.2.3")
    with database.read() as connection:
        assert workers.get_capacities(connection) == {CPU, GPU}


def test_the_job_of_a_busy_worker_is_listed_only_for_its_owner(database: Database) -> None:
    worker = make_announcement()
    record_heartbeat(database, worker)
    with database.write() as connection:
        job_id = queue(connection, "anna")
        assert queued_jobs.claim(connection, worker.id) is not None
    assert [(one["state"], one["job"]) for one in list_workers(database, "anna")] == [
        ("busy", job_id)
    ]
    assert [(one["state"], one["job"]) for one in list_workers(database, "ben")] == [("busy", None)]


def test_a_worker_without_a_heartbeat_is_lost_until_the_next_one(database: Database) -> None:
    worker = make_announcement()
    record_heartbeat(database, worker, lost_after_seconds=-1)
    (lost,) = list_workers(database)
    assert lost["state"] == "lost"
    with database.read() as connection:
        assert workers.get_capacities(connection) == frozenset()
    record_heartbeat(database, worker)
    (again,) = list_workers(database)
    assert again["state"] == "idle"
    assert again["last_heartbeat"] >= lost["last_heartbeat"]


def test_a_stopped_worker_is_deleted_at_once_and_a_lost_one_after_an_hour(
    database: Database,
) -> None:
    stopped, lost, late = make_announcement(), make_announcement(), make_announcement()
    for worker in (stopped, lost, late):
        record_heartbeat(database, worker, lost_after_seconds=-1)
    with database.write() as connection:
        workers.unregister(connection, stopped.id)
        long_ago = workers.LOST_KEPT_SECONDS + 1
        is_late = table.c.id == late.id
        connection.execute(
            table.update().where(is_late).values(alive_until=table.c.alive_until - long_ago)
        )
        workers.delete_lost(connection)
    assert [one["id"] for one in list_workers(database)] == [lost.id]


def test_a_heartbeat_registers_a_deleted_worker_again(database: Database) -> None:
    worker = make_announcement()
    record_heartbeat(database, worker)
    with database.write() as connection:
        workers.unregister(connection, worker.id)
    record_heartbeat(database, worker)
    assert [one["id"] for one in list_workers(database)] == [worker.id]
