"""Which connections are closed in favour of new ones, and when idle ones are closed."""

import asyncio
import itertools
from dataclasses import dataclass, field

from api.http.connections.clients import Client
from api.http.connections.open_connections import MOST_SWEPT, ROOM_SHARE, OpenConnections


@dataclass(eq=False)
class Connection:
    opened: OpenConnections
    sender: Client
    closed: list["Connection"] = field(repr=False)
    unsent: int = 0

    def abort(self) -> None:
        self.closed.append(self)
        self.opened.remove(self)

    refuse_waiting = close_idle = abort

    def measure_body_rate(self) -> float:
        return 1

    def measure_unsent(self) -> int:
        return self.unsent


def make(
    opened: OpenConnections, name: str, closed: list[Connection], count: int
) -> list[Connection]:
    return [Connection(opened, Client(name), closed) for _ in range(count)]


def test_the_client_with_most_connections_makes_room() -> None:
    async def run() -> None:
        opened, closed = OpenConnections(), list[Connection]()
        first = make(opened, "few", closed, 2)
        many = make(opened, "many", closed, 3)
        for connection in (*first, *many):
            opened.add_idle(connection, 60)
        opened.make_room(1)
        assert closed == many[:1]
        opened.make_room(2 * ROOM_SHARE)
        assert closed == [*many[:1], *first]  # both have two; those of `few` are idle for longer

    asyncio.run(run())


def test_the_newest_request_that_waits_is_refused() -> None:
    opened, closed = OpenConnections(), list[Connection]()
    connections = make(opened, "a", closed, 3)
    opened.waiting.update(dict.fromkeys(connections))
    opened.make_room(1)
    assert closed == connections[-1:]


def test_idle_connections_are_closed_a_few_at_a_time() -> None:
    async def run() -> None:
        opened, closed = OpenConnections(), list[Connection]()
        for connection in make(opened, "a", closed, 3 * MOST_SWEPT):
            opened.add_silent(connection, 0.01)
        (kept,) = make(opened, "a", closed, 1)
        opened.add_idle(kept, 60)
        counts = [0]
        while len(closed) < 3 * MOST_SWEPT:
            await asyncio.sleep(0)
            counts.append(len(closed))
        swept = [after - before for before, after in itertools.pairwise(counts)]
        assert max(swept) <= MOST_SWEPT
        assert list(opened.idle) == [kept]

    asyncio.run(run())


def test_unsent_bytes_are_shared_between_clients() -> None:
    opened, closed = OpenConnections(most_unsent=100), list[Connection]()
    a, b = make(opened, "a", closed, 1)[0], make(opened, "b", closed, 1)[0]
    a.unsent = 50
    opened.stall(a)
    assert not opened.may_send(Client("a"))
    assert opened.may_send(Client("b"))
    opened.recover(a)
    assert opened.may_send(Client("a"))
    a.unsent = b.unsent = 60
    opened.stall(a)
    opened.stall(b)
    assert closed == [a]
