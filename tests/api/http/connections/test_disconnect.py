"""Waits end when the client closes its connection."""

import asyncio
from concurrent.futures import Future

import pytest
from starlette.requests import ClientDisconnect

from api.http.connections.disconnect import CLOSED, ended_by_disconnect


def test_work_that_waits_in_a_queue_is_cancelled() -> None:
    async def run() -> None:
        closed = asyncio.get_running_loop().create_future()
        queued: Future[int] = Future()
        waiting = asyncio.wrap_future(queued)
        asyncio.get_running_loop().call_soon(closed.set_result, None)
        with pytest.raises(ClientDisconnect), ended_by_disconnect({CLOSED: closed}, waiting):
            await waiting
        await asyncio.sleep(0)
        assert not queued.set_running_or_notify_cancel()

    asyncio.run(run())


@pytest.mark.parametrize("has_scope", [True, False])
def test_a_wait_without_a_connection_ends_with_its_result(has_scope: bool) -> None:
    async def run() -> int:
        waiting = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(waiting.set_result, 3)
        with ended_by_disconnect({} if has_scope else None, waiting):
            result: int = await waiting
        return result

    assert asyncio.run(run()) == 3


def test_a_wait_that_ends_leaves_nothing_on_the_connection() -> None:
    async def run() -> None:
        closed = asyncio.get_running_loop().create_future()
        first = asyncio.get_running_loop().create_future()
        first.set_result(None)
        with ended_by_disconnect({CLOSED: closed}, first):
            await first
        closed.set_result(None)
        await asyncio.sleep(0)
        assert not first.cancelled()

    asyncio.run(run())
