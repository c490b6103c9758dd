"""The check of API keys: which requests it accepts, and for how long."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import event, update
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from api.access.api_keys import KeyCheck
from api.access.key_cache import FRESH_SECONDS, PAUSE_SECONDS, KeyCache
from api.http.job_snapshots import FRESH_SECONDS as SNAPSHOT_SECONDS
from api.http.route_options import RouteOptions, set_route_options
from models_store.database.engine import Database
from models_store.database.tables import jobs
from tests.api.callers import Caller, caller, revoke
from tests.api.requests import faults, made
from tests.support.api_server import Server
from tests.support.queued_jobs import queue

UNKNOWN = f"gf_{'0' * 26}_{'x' * 43}"


@pytest.fixture(scope="module")
def ada(keyed: Server) -> Caller:
    return caller(keyed, "ada")


def test_a_new_key_is_accepted_at_once(keyed: Server) -> None:
    for _ in range(3):
        made(caller(keyed, "ada").client.get("/v1/jobs"), 200)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", f"Bearer {UNKNOWN}", f"Basic {UNKNOWN}", "Bearer \xe9", UNKNOWN],
)
def test_an_invalid_key_is_rejected(keyed: Server, header: str) -> None:
    headers = {b"Authorization": header.encode("latin-1")} if header else {}
    answer = httpx.get(f"{keyed.address}/v1/jobs", headers=headers)
    faults(answer, 401)
    assert answer.json()["type"] == "/problems/unauthorized"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert UNKNOWN not in answer.text


def test_the_scheme_is_case_insensitive_and_two_headers_are_rejected(
    keyed: Server, ada: Caller
) -> None:
    address = f"{keyed.address}/v1/jobs"
    made(httpx.get(address, headers={"Authorization": f"bearer {ada.secret}"}), 200)
    twice = [("Authorization", f"Bearer {ada.secret}"), ("Authorization", "Bearer x")]
    faults(httpx.get(address, headers=twice), 401)


def test_a_part_of_a_key_or_its_hash_is_rejected(keyed: Server, ada: Caller) -> None:
    digest = next(d for d, owner in keyed.parts.keys._owners.items() if owner == "ada")
    for wrong in (ada.secret[:-1], ada.secret + "x", ada.key_id, digest):
        answer = httpx.get(f"{keyed.address}/v1/jobs", headers={"Authorization": f"Bearer {wrong}"})
        faults(answer, 401)


def test_a_key_that_was_revoked_a_second_ago_is_rejected(keyed: Server) -> None:
    """A request that is sent later than that is refused, however long its answer takes."""
    leaving = caller(keyed, "ada")
    made(leaving.client.get("/v1/jobs"), 200)
    revoke(keyed, leaving.key_id)
    revoked_at = sent_at = time.monotonic()
    while leaving.client.get("/v1/jobs").status_code == 200:
        assert sent_at - revoked_at < FRESH_SECONDS
        sent_at = time.monotonic()
    faults(leaving.client.get("/v1/jobs"), 401)


def test_a_cached_snapshot_needs_a_key_too(keyed: Server, ada: Caller) -> None:
    with keyed.parts.database.write() as connection:
        job_id = queue(connection, "ada")
        old = datetime.now(UTC) - timedelta(hours=1)
        connection.execute(update(jobs).values(created_at=old).filter_by(id=job_id))
    address = f"/v1/jobs/{job_id}"
    made(ada.client.get(address), 200)
    assert keyed.parts.snapshots.find_fresh(("ada", job_id)) is not None
    faults(keyed.client.get(address), 401)
    faults(caller(keyed, "bob").client.get(address), 404)


def test_a_prediction_without_a_key_has_the_error_field(keyed: Server) -> None:
    address = f"/v1/models/model_{'0' * 26}:predict"
    answer = keyed.client.post(address, json={"instances": [[1]]})
    faults(answer, 401)
    assert answer.json()["error"] == answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/datasets", "/v1/jobs", "/v1/unknown", "/docsx"])
def test_a_request_without_a_key_is_rejected_before_its_body_is_read(
    keyed: Server, path: str
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += "Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(keyed.address.rpartition(":")[2]))) as client:
        client.settimeout(30)
        client.sendall(head.encode())
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 401 ")
    assert json.loads(received.partition(b"\r\n\r\n")[2])["status"] == 401


@contextmanager
def note_statements(server: Server, text: str) -> Iterator[list[float]]:
    """Gives the times at which the server sends statements that contain the text."""
    times: list[float] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if text in statement:
            times.append(time.monotonic())

    event.listen(server.parts.database.engine, "before_cursor_execute", note)
    try:
        yield times
    finally:
        event.remove(server.parts.database.engine, "before_cursor_execute", note)


def test_a_stream_ends_when_its_key_is_revoked(keyed: Server) -> None:
    """The stream ends as soon as the keys are read again.

    Its job is read after each pause. The number of these reads tells how many pauses that takes.
    """
    leaving = caller(keyed, "ada")
    with keyed.parts.database.write() as connection:
        address = f"/v1/jobs/{queue(connection, 'ada')}/events"
    headers = {"Accept": "text/event-stream"}
    faults(keyed.client.get(address, headers=headers), 401)
    with leaving.client.stream("GET", address, headers=headers) as answer:
        lines = answer.iter_lines()
        while not next(lines).startswith("data: "):
            pass
        revoke(keyed, leaving.key_id)
        with (
            note_statements(keyed, "FROM keys") as key_reads,
            note_statements(keyed, "SELECT jobs.") as job_reads,
        ):
            assert not [line for line in lines if line.startswith("data: ")]
    assert len(key_reads) == 1
    assert len(job_reads) <= FRESH_SECONDS / SNAPSHOT_SECONDS + 1
    faults(leaving.client.get(address, headers=headers), 401)


def test_any_host_and_any_page_may_call_with_a_key(keyed: Server, ada: Caller) -> None:
    headers = {"Host": "models.example.org", "Origin": "https://example.org"}
    made(ada.client.get("/v1/info", headers=headers), 200)
    assert ada.client.get("/v1/info").json()["auth"] == "keys"


def test_unknown_keys_cause_few_reads_of_the_database(keyed: Server) -> None:
    began = time.monotonic()
    with note_statements(keyed, "FROM keys") as readings, ThreadPoolExecutor(8) as pool:
        tries = [f"{keyed.address}/v1/jobs"] * 64
        headers = {"Authorization": f"Bearer {UNKNOWN}"}
        answers = list(pool.map(lambda url: httpx.get(url, headers=headers), tries))
    assert {answer.status_code for answer in answers} == {401}
    assert len(readings) <= (time.monotonic() - began) / PAUSE_SECONDS + 2


def test_a_database_that_does_not_answer_is_a_503() -> None:
    async def ask() -> httpx.Response:
        middleware = KeyCheck(_never, KeyCache(Database("postgresql://127.0.0.1:1/graphfit")))
        transport = httpx.ASGITransport(middleware)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get("/v1/jobs", headers={"Authorization": f"Bearer {UNKNOWN}"})

    answer = asyncio.run(ask())
    faults(answer, 503)
    assert answer.headers["retry-after"]


@set_route_options(RouteOptions(is_public=True))
async def public_endpoint(request: Request) -> Response:
    return PlainTextResponse()


async def private_endpoint(request: Request) -> Response:
    return PlainTextResponse()


ROUTES = [
    Route("/open", public_endpoint),
    Route("/pages/{name}", public_endpoint),
    Mount("/files", set_route_options(RouteOptions(is_public=True))(PlainTextResponse())),
    Route("/closed", private_endpoint),
    Mount("/folder", PlainTextResponse()),
]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/open", 200),
        ("/pages/a", 200),
        ("/files/a/b.js", 200),
        ("/closed", 401),
        ("/folder/a", 401),
        ("/open/", 401),
        ("/openx", 401),
        ("/pages", 401),
        ("/unknown", 401),
    ],
)
def test_only_paths_of_public_routes_need_no_key(path: str, status: int) -> None:
    async def ask() -> httpx.Response:
        keys = KeyCache(Database("postgresql://127.0.0.1:1/graphfit"))
        transport = httpx.ASGITransport(KeyCheck(PlainTextResponse(), keys, ROUTES))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get(path)

    assert asyncio.run(ask()).status_code == status


async def _never(*_: object) -> None:
    pytest.fail("the request was accepted")
