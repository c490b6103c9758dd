"""Turns: how many at the same time, in which order, and how long a request waits."""

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest
from starlette.requests import ClientDisconnect

from api.http.connections.disconnect import CLOSED
from api.http.turns import Turns
from domain.errors import Busy


async def work(
    turn: AbstractAsyncContextManager[None], name: str, order: list[str], end: asyncio.Event
) -> None:
    async with turn:
        order.append(name)
        await end.wait()


async def run_until_idle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_the_owners_take_turns() -> None:
    async def run() -> list[str]:
        turns, end = Turns(2, 60, "uploads"), asyncio.Event()
        order: list[str] = []
        names = ["a1", "a2", "a3", "a4", "a5", "b1", "b2", "c1"]
        tasks = []
        for name in names:
            tasks.append(asyncio.create_task(work(turns.take(name[0]), name, order, end)))
            await run_until_idle()
        assert order == ["a1", "a2"]
        end.set()
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(run()) == ["a1", "a2", "a3", "b1", "c1", "a4", "b2", "a5"]


def test_a_wait_that_is_too_long_is_busy() -> None:
    async def run() -> None:
        turns, end = Turns(1, 0.01, "uploads"), asyncio.Event()
        order: list[str] = []
        first = asyncio.create_task(work(turns.take("a"), "first", order, end))
        await run_until_idle()
        with pytest.raises(Busy, match="Too many uploads are waiting") as caught:
            await work(turns.take("a"), "second", order, end)
        assert caught.value.retry_after > 0
        end.set()
        await first
        await work(turns.take("b"), "third", order, end)
        assert order == ["first", "third"]

    asyncio.run(run())


def test_cancelled_requests_lose_no_turn() -> None:
    async def run() -> None:
        turns, end = Turns(1, 60, "uploads"), asyncio.Event()
        order: list[str] = []
        tasks = [
            asyncio.create_task(work(turns.take("a"), str(number), order, end))
            for number in range(3)
        ]
        await run_until_idle()
        tasks[1].cancel()
        await run_until_idle()
        tasks[0].cancel()
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        end.set()
        await work(turns.take("b"), "last", order, end)
        assert order[-1] == "last"

    asyncio.run(run())


def test_an_error_ends_the_turn() -> None:
    async def run() -> None:
        turns = Turns(1, 0, "uploads")
        with pytest.raises(ZeroDivisionError):
            async with turns.take("a"):
                raise ZeroDivisionError
        async with turns.take("a"):
            pass

    asyncio.run(run())


def test_an_owner_with_long_work_leaves_turns_to_other_owners() -> None:
    async def run() -> list[str]:
        turns, end = Turns(4, 60, "checks", most_of_owner=2), asyncio.Event()
        order: list[str] = []
        names = ["a1", "a2", "a3", "a4", "b1", "c1", "c2"]
        tasks = []
        for name in names:
            tasks.append(asyncio.create_task(work(turns.take(name[0]), name, order, end)))
            await run_until_idle()
        assert order == ["a1", "a2", "b1", "c1"]
        end.set()
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(run()) == ["a1", "a2", "b1", "c1", "a3", "c2", "a4"]


def test_a_wait_ends_when_the_client_closes_its_connection() -> None:
    async def run() -> list[str]:
        turns, end = Turns(1, 60, "uploads"), asyncio.Event()
        order: list[str] = []
        closed = asyncio.get_running_loop().create_future()
        scope = {CLOSED: closed}
        first = asyncio.create_task(work(turns.take("a", scope), "first", order, end))
        await run_until_idle()
        gone = [asyncio.create_task(work(turns.take("a", scope), "gone", order, end))]
        await run_until_idle()
        closed.set_result(None)
        gone.append(asyncio.create_task(work(turns.take("b", scope), "gone", order, end)))
        for task in gone:
            with pytest.raises(ClientDisconnect):
                await task
        assert not first.done()  # work that has begun goes on
        end.set()
        await first
        await work(turns.take("a", {}), "last", order, end)
        return order

    assert asyncio.run(run()) == ["first", "last"]


def test_a_cancelled_wait_is_no_disconnect() -> None:
    async def run() -> None:
        turns, end = Turns(1, 60, "uploads"), asyncio.Event()
        scope = {CLOSED: asyncio.get_running_loop().create_future()}
        async with turns.take("a"):
            task = asyncio.create_task(work(turns.take("a", scope), "second", [], end))
            await run_until_idle()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
