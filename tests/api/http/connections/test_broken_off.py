"""A response that cannot be completed is never taken for a complete one."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Response

from api.http.block_stream import BlockStream
from api.http.connections.connection import ConnectionLimits, make_protocol
from api.problems.handlers import add_handlers
from domain.errors import NotFound
from tests.support.service import until

LIMITS = ConnectionLimits(head_bytes=2000, head_seconds=5, body_seconds=5, body_rate=1)
BLOCK = b"0123456789" * 1_000


def make_blocks(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield BLOCK
    raise NotFound("dataset", "dataset_1")


def make_app() -> FastAPI:
    app = FastAPI()
    add_handlers(app)

    @app.get("/complete")
    def complete() -> Response:
        return BlockStream(iter([BLOCK] * 3), "text/csv", {"X-Other": "1"})

    @app.get("/deleted")
    def deleted(blocks: int) -> Response:
        return BlockStream(make_blocks(blocks), "text/csv", {})

    return app


@pytest.fixture(scope="module", params=["service", "another server"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    protocol = make_protocol(LIMITS) if request.param == "service" else "httptools"
    config = uvicorn.Config(make_app(), port=0, http=protocol, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    until(lambda: server.started or None, "the server")
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as opened:
        yield opened
    server.should_exit = True
    thread.join(10)


def test_blocks_are_sent(client: httpx.Client) -> None:
    answer = client.get("/complete")
    assert (answer.content, answer.headers["x-other"]) == (BLOCK * 3, "1")
    assert answer.headers["content-type"].startswith("text/csv")


def test_an_error_before_the_first_block_is_a_problem(client: httpx.Client) -> None:
    answer = client.get("/deleted?blocks=0")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no dataset 'dataset_1'."


@pytest.mark.parametrize("blocks", [1, 2, 500])
def test_a_later_error_breaks_the_body_off(
    client: httpx.Client, caplog: pytest.LogCaptureFixture, blocks: int
) -> None:
    with caplog.at_level(logging.WARNING):
        with client.stream("GET", f"/deleted?blocks={blocks}") as answer:
            assert answer.status_code == 200
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                answer.read()
        assert client.get("/complete").status_code == 200
    (record, *others) = caplog.records
    assert record.getMessage() == (
        "broke off the response of /deleted: There is no dataset 'dataset_1'."
    )
    assert record.exc_info is None
    assert all(other.exc_info is None for other in others)
