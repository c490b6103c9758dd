"""`/v1/workers`: the list of workers."""

from datetime import UTC, datetime

from models_store.ids import new_id
from models_store.jobs import workers
from models_store.jobs.workers import Announcement
from tests.support.api_server import Server
from tests.support.queued_jobs import GPU


def test_workers_are_listed_page_by_page(server: Server) -> None:
    ids = [new_id("worker") for _ in range(2)]
    now = datetime.now(UTC)
    with server.parts.database.write() as connection:
        for worker_id in ids:
            announced = Announcement(worker_id, "box-7", GPU, ("a card",), {}, "1.2.3", now)
            workers.record_heartbeat(connection, announced, 600)
    first = server.client.get("/v1/workers?page_size=1").json()
    second = server.client.get(f"/v1/workers?page_size=1&cursor={first['next_cursor']}").json()
    with server.parts.database.write() as connection:
        for worker_id in ids:
            workers.unregister(connection, worker_id)
    (newest,), (oldest,) = first["items"], second["items"]
    assert {newest["id"], oldest["id"]} == set(ids)
    assert second["next_cursor"] is None
    newest.pop("last_heartbeat")
    assert newest == {
        "id": max(ids),
        "name": "box-7",
        "device": "gpu",
        "devices": ["a card"],
        "gpus": 1,
        "memory_bytes": 2**34,
        "version": "1.2.3",
        "state": "idle",
        "job": None,
        "started_at": now.isoformat().replace("+00:00", "Z"),
    }
    assert server.client.get("/v1/workers").json() == {"items": [], "next_cursor": None}


def test_an_unknown_parameter_is_rejected(server: Server) -> None:
    assert server.client.get("/v1/workers?state=idle").status_code == 422
