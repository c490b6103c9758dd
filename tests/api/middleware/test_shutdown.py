"""Requests that are in progress when the server stops."""

import asyncio
import threading

import httpx
import uvicorn
from starlette.types import Receive, Scope, Send

from api.middleware.shutdown import ShutdownResponder
from tests.support.service import until


def test_shutdown_answers_503_to_a_request_in_progress() -> None:
    asked = threading.Event()

    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        await asyncio.Event().wait()

    config = uvicorn.Config(
        ShutdownResponder(never),
        port=0,
        lifespan="off",
        timeout_graceful_shutdown=1,
        log_level="critical",
    )
    server = uvicorn.Server(config)
    serving = threading.Thread(target=server.run)
    serving.start()
    until(lambda: server.started or None, "the server")
    port = server.servers[0].sockets[0].getsockname()[1]
    answers: list[httpx.Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(httpx.get(f"http://127.0.0.1:{port}/v1/jobs", timeout=30))
    )
    asking.start()
    asked.wait(30)
    server.should_exit = True
    asking.join()
    serving.join()
    (answer,) = answers
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"
