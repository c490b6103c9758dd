"""Events: pages, and streams that end with the job."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

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


def test_an_event_source_that_has_every_event_of_an_ended_job_is_told_to_stop(
    server: Server,
) -> None:
    """WHATWG HTML: an EventSource reconnects after the end of a stream, unless it gets a 204."""
    job_id = queued(server)
    server.client.post(f"/v1/jobs/{job_id}/cancel")
    address = f"/v1/jobs/{job_id}/events"
    events = list(streamed(server, job_id))
    last = {**STREAM, "Last-Event-ID": events[-1][0]}
    answer = server.client.get(address, headers=last)
    assert (answer.status_code, answer.content) == (204, b"")
    assert [item for item, _ in streamed(server, job_id, **{"Last-Event-ID": "1"})] == ["2"]
    assert list(streamed(server, job_id)) == events


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("TEXT/EVENT-STREAM", True),
        ("text/event-stream;q=0", False),
        ("application/json, text/event-stream;q=0.5", False),
    ],
)
def test_the_preferred_form_of_events_is_sent(server: Server, accept: str, is_stream: bool) -> None:
    job_id = queued(server)
    server.client.post(f"/v1/jobs/{job_id}/cancel")
    answer = server.client.get(f"/v1/jobs/{job_id}/events", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(
        "text/event-stream" if is_stream else "application/json"
    )


def test_a_head_request_for_a_stream_ends_at_once(server: Server) -> None:
    address = f"/v1/jobs/{queued(server)}/events"
    head = server.client.head(address, headers=STREAM)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")
    assert head.headers["cache-control"] == "no-cache"


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
    link = server.client.get(address, params={"page_size": 1}).links["next"]["url"]
    assert server.client.get(link).json()["items"] == everything["items"][1:]
    assert "link" not in server.client.get(link).headers


def test_an_invalid_event_id_is_rejected(server: Server) -> None:
    address = f"/v1/jobs/{queued(server)}/events"
    for wrong in ("x", "-1", "1.5", "٣", "9" * 40):
        assert "cursor" in faults(server.client.get(address, params={"cursor": wrong}))[""]
    wrong_id = {**STREAM, "Last-Event-ID": "x"}
    assert "Last-Event-ID" in faults(server.client.get(address, headers=wrong_id))[""]
    nowhere = f"/v1/jobs/job_{'0' * 26}/events"
    faults(server.client.get(nowhere), 404)
    faults(server.client.get(nowhere, headers=STREAM), 404)
