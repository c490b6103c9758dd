"""Few requests begin in each round of the event loop, in turns between clients."""

import asyncio
import time

from api.http.connections.clients import Client
from api.http.connections.request_turns import (
    LEAST_BEGUN,
    MOST_BEGUN,
    ROUND_SECONDS,
    RequestTurns,
)

REQUESTS = 200


class Request:
    """A connection whose request takes processor time in a task, as an application does."""

    def __init__(self, test: "Rounds", sender: Client, seconds: float = 0) -> None:
        self.sender = sender
        self._test = test
        self._seconds = seconds

    def parse(self) -> None:
        self._test.rounds[-1].append(self.sender)
        self._test.tasks.append(asyncio.create_task(self._work()))
        self._test.turns.begin(self.sender)

    def end_waits(self) -> None:
        self.parse()  # an end takes as long as a begin

    async def _work(self) -> None:
        end = time.thread_time() + self._seconds
        while time.thread_time() < end:
            pass


class Rounds:
    """Notes the clients whose requests begin in each round of the event loop."""

    def __init__(self, most: int | None = None) -> None:
        self.turns = RequestTurns(most)
        self.rounds: list[list[Client]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def add(self, client: Client, count: int, seconds: float = 0) -> list[Request]:
        requests = [Request(self, client, seconds) for _ in range(count)]
        for request in requests:
            self.turns.add_head(request)
        return requests

    async def run(self, rounds: int) -> None:
        for _ in range(rounds):
            self.rounds.append([])
            await asyncio.sleep(0)

    @property
    def order(self) -> list[Client]:
        return [client for begun in self.rounds for client in begun]


def test_a_request_of_another_client_is_among_the_first() -> None:
    async def run() -> None:
        test = Rounds()
        test.add(Client("many"), REQUESTS)
        test.add(Client("few"), 1)
        await test.run(REQUESTS)
        assert len(test.order) == REQUESTS + 1
        assert Client("few") in test.order[:2]

    asyncio.run(run())


def test_few_long_requests_begin_in_a_round() -> None:
    async def run() -> None:
        test = Rounds()
        test.add(Client("a"), 40, seconds=2 * ROUND_SECONDS)
        await test.run(60)
        assert len(test.order) == 40
        assert max(map(len, test.rounds)) <= LEAST_BEGUN + 1

    asyncio.run(run())


def test_more_short_requests_begin_in_a_round() -> None:
    async def run() -> None:
        test = Rounds()
        test.add(Client("a"), 2 * REQUESTS)
        await test.run(2 * REQUESTS)
        assert LEAST_BEGUN + 1 < max(map(len, test.rounds)) <= MOST_BEGUN

    asyncio.run(run())


def test_requests_wait_until_those_in_progress_have_ended() -> None:
    async def run() -> None:
        test, a, b = Rounds(most=8), Client("a"), Client("b")
        test.add(a, 10)
        await test.run(20)
        assert test.order == [a] * 4
        assert not test.turns.has_time
        test.add(b, 10)
        await test.run(20)
        assert test.order == [a] * 4 + [b] * 2
        test.turns.finish(a)
        await test.run(20)
        assert test.order == [a] * 4 + [b] * 3

    asyncio.run(run())


def test_a_removed_connection_begins_nothing() -> None:
    async def run() -> None:
        test = Rounds()
        for request in test.add(Client("gone"), REQUESTS):
            test.turns.remove(request)
        test.add(Client("a"), 1)
        await test.run(3)
        assert test.order == [Client("a")]

    asyncio.run(run())


def test_parts_of_bodies_and_heads_take_turns() -> None:
    async def run() -> None:
        test, parts = Rounds(), 0

        class Body:
            sender = Client("body")

            def parse(self) -> None:
                nonlocal parts
                parts += 1
                test.turns.add_part(self)  # the body goes on

            def end_waits(self) -> None:
                """It waits for nothing."""

        test.turns.add_part(Body())
        test.add(Client("a"), 10)
        await test.run(30)
        assert len(test.order) == 10
        assert parts >= 10

    asyncio.run(run())


def test_few_requests_of_closed_connections_end_in_a_round() -> None:
    async def run() -> None:
        test = Rounds()
        gone = [Request(test, Client("gone"), 2 * ROUND_SECONDS) for _ in range(40)]
        for request in [*gone, Request(test, Client("another"))]:
            test.turns.close(request)
        await test.run(60)
        assert len(test.order) == 41
        assert Client("another") in test.order[:2]
        assert max(map(len, test.rounds)) <= LEAST_BEGUN + 1

    asyncio.run(run())


def test_a_client_that_receives_nothing_begins_no_more_requests() -> None:
    async def run() -> None:
        may_send, test = False, Rounds()
        test.turns = RequestTurns(None, lambda client: may_send or client != Client("stalled"))
        test.add(Client("stalled"), 2)
        test.add(Client("a"), 2)
        await test.run(5)
        assert test.order == [Client("a")] * 2
        may_send = True
        test.turns.wake()
        await test.run(5)
        assert test.order[2:] == [Client("stalled")] * 2

    asyncio.run(run())
