"""Events: pages, and streams that end with the job."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx

from models_store.jobs import control, jobs
from tests.api.requests import faults
from tests.support.api_server import Server
from tests.support.queued_jobs import queue

STREAM = {"Accept": "text/event-stream"}


def queued(server: Server) -> str:
    with server.parts.database.write() as connection:
        return queue(connection)


def streamed(server: Server, job_id: str, **headers: str) -> Iterator[tuple[str, Any]]:
    with httpx.stream(
        "GET", f"{server.address}/v1/jobs/{job_id}/events", headers={**STREAM, **headers}
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            field, _, value = line.partition(": ")
            fields[field] = value
            if not line and "data" in fields:
                yield fields["id"], json.loads(fields["data"])
                fields = {}


def test_a_stream_follows_the_job_to_its_end(server: Server) -> None:
    job_id = queued(server)
    stream = streamed(server, job_id)
    assert next(stream)[1]["data"] == {"state": "queued", "reason": "accepted"}

    def cancel() -> None:
        with server.parts.database.write() as connection:
            control.cancel(connection, "local", job_id)

    threading.Thread(target=cancel).start()
    rest = [(identifier, event["data"]["state"]) for identifier, event in stream]
    assert rest == [("2", "cancelled")]
    resumed = list(streamed(server, job_id, **{"Last-Event-ID": "1"}))
    assert [identifier for identifier, _ in resumed] == ["2"]
    assert list(streamed(server, job_id, **{"Last-Event-ID": "2"})) == []


def test_a_stream_ends_when_its_job_is_deleted(server: Server) -> None:
    job_id = queued(server)
    stream = streamed(server, job_id)
    next(stream)
    with server.parts.database.write() as connection:
        control.cancel(connection, "local", job_id)
        jobs.delete(connection, "local", job_id)
    assert [event for _, event in stream] == []


def test_pages(server: Server) -> None:
    job_id = queued(server)
    server.client.post(f"/v1/jobs/{job_id}/cancel")
    address = f"/v1/jobs/{job_id}/events"
    everything = server.client.get(address).json()
    assert [item["id"] for item in everything["items"]] == [1, 2]
    assert everything["next_cursor"] is None
    first = server.client.get(address, params={"page_size": 1}).json()
    assert first["items"] == everything["items"][:1]
    second = server.client.get(address, params={"cursor": first["next_cursor"]}).json()
    assert second["items"] == everything["items"][1:]


def test_an_invalid_event_id_is_rejected(server: Server) -> None:
    address = f"/v1/jobs/{queued(server)}/events"
    for wrong in ("x", "-1", "1.5", "٣", "9" * 40):
        assert "cursor" in faults(server.client.get(address, params={"cursor": wrong}))[""]
    wrong_id = {**STREAM, "Last-Event-ID": "x"}
    assert "Last-Event-ID" in faults(server.client.get(address, headers=wrong_id))[""]
    nowhere = f"/v1/jobs/job_{'0' * 26}/events"
    faults(server.client.get(nowhere), 404)
    faults(server.client.get(nowhere, headers=STREAM), 404)


def test_history_of_a_job_without_epochs(server: Server) -> None:
    assert server.client.get(f"/v1/jobs/{queued(server)}/history").json() == {"epochs": []}
    faults(server.client.get(f"/v1/jobs/job_{'0' * 26}/history"), 404)
