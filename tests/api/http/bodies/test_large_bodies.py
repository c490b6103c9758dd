"""Few large bodies of one owner are in memory at the same time."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request

from api.http.bodies.large_bodies import START_BYTES, take_turn_if_large
from api.http.turns import Turns
from domain.errors import Busy

QUICK = 100
SMALL = {"content-length": str(QUICK)}
LARGE = {"content-length": str(QUICK + 1)}
UNKNOWN = {"transfer-encoding": "chunked"}


def make_request(
    turns: Turns, owner: str, headers: dict[str, str], body: bytes = bytes(2 * START_BYTES)
) -> Request:
    parts = [body[start : start + 1000] for start in range(0, len(body), 1000)]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    state = SimpleNamespace(services=SimpleNamespace(large_turns=turns))
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {
            "type": "http",
            "headers": raw,
            "app": SimpleNamespace(state=state),
            "principal": SimpleNamespace(owner=owner),
        },
        receive,
    )


@pytest.mark.parametrize("headers", [LARGE, UNKNOWN])
def test_a_large_body_waits_for_the_others_of_its_owner(headers: dict[str, str]) -> None:
    async def run() -> None:
        turns, order, end = Turns(2, 60, "large bodies", most_of_owner=1), [], asyncio.Event()

        async def handle(owner: str, headers: dict[str, str]) -> None:
            async with take_turn_if_large(make_request(turns, owner, headers), QUICK):
                order.append(owner)
                await end.wait()

        requests = [("a", headers), ("a", headers), ("a", SMALL), ("a", {}), ("b", headers)]
        tasks = [asyncio.create_task(handle(*each)) for each in requests]
        for _ in range(20):
            await asyncio.sleep(0)
        assert order == ["a", "a", "a", "b"]
        end.set()
        await asyncio.gather(*tasks)
        assert order == ["a", "a", "a", "b", "a"]

    asyncio.run(run())


@pytest.mark.parametrize("size", [1, START_BYTES, START_BYTES + 1, 4 * START_BYTES])
def test_a_chunked_body_is_received_whole(size: int) -> None:
    async def run() -> None:
        body = bytes(number % 251 for number in range(size))
        request = make_request(Turns(1, 1, "large bodies"), "a", UNKNOWN, body)
        async with take_turn_if_large(request, QUICK) as receive:
            assert await Request(request.scope, receive).body() == body

    asyncio.run(run())


def test_a_small_chunked_body_needs_no_turn() -> None:
    async def run() -> None:
        turns = Turns(1, 0.01, "large bodies")
        async with turns.take("a"):
            async with take_turn_if_large(make_request(turns, "a", UNKNOWN, b"{}"), QUICK):
                pass
            with pytest.raises(Busy):
                async with take_turn_if_large(make_request(turns, "a", UNKNOWN), QUICK):
                    pass

    asyncio.run(run())
