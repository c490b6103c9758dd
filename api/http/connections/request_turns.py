"""Turns of connections whose received bytes are not parsed yet.

A request holds the event loop for about a millisecond, and hundreds of them may arrive together. A
parser calls Python for each part of a body, and a few kilobytes may hold a thousand parts. So each
round of the event loop parses a little, in turns between clients.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from api.http.connections.clients import Client
from api.http.connections.shares import Shares
from api.http.connections.turn_order import TurnOrder

ROUND_SECONDS = 0.002
"""The time of one round that is spent on parsing, and the processor time that a whole round of the
event loop should take."""
LEAST_BEGUN, MOST_BEGUN = 2, 32
"""The bounds of the number of requests that begin in one round."""


class Parsing(Protocol):
    """A connection with received bytes that are not parsed yet."""

    @property
    def sender(self) -> Client:
        """The client that sent the bytes."""
        ...

    def parse(self) -> None:
        """Parses one request, or one part of a body."""
        ...

    def end_waits(self) -> None:
        """Ends what the request of the closed connection waits for."""
        ...


class RequestTurns:
    """The connections that wait for their turn to be parsed. All belong to one event loop.

    The number of requests that begin in a round follows from the processor time of the rounds:
    dozens of polls take as long as two lists.
    """

    def __init__(
        self, most: int | None = None, may_send: Callable[[Client], bool] | None = None
    ) -> None:
        """Creates the turns.

        Args:
            most: The largest number of requests in progress; None for no limit.
            may_send: Whether a client may be sent more, beside what it has not received yet.
        """
        self._shares = Shares(most)
        self._may_send = may_send or _always
        self._ends: TurnOrder[Parsing] = TurnOrder()
        self._heads: TurnOrder[Parsing] = TurnOrder()
        self._parts: TurnOrder[Parsing] = TurnOrder()
        self._is_part_next = False
        self._begun = 0
        self._most_begun = LEAST_BEGUN
        self._is_scheduled = False
        self._scheduled_at = 0.0

    @property
    def has_time(self) -> bool:
        """Whether a further request may begin in this round."""
        return not self._heads and self._begun < self._most_begun

    def may_begin(self, client: Client) -> bool:
        """Whether a client may begin one more request."""
        return self._shares.may_begin(client) and self._may_send(client)

    def is_waiting(self, connection: Parsing) -> bool:
        """Whether the head of a request waits for its turn."""
        return connection in self._heads

    def add_head(self, connection: Parsing) -> None:
        """Lets a connection wait with the head of a request."""
        self._heads.add(connection.sender, connection)
        self._schedule()

    def add_part(self, connection: Parsing) -> None:
        """Lets a connection wait with a part of a body."""
        self._parts.add(connection.sender, connection)
        self._schedule()

    def remove(self, connection: Parsing) -> None:
        """Removes a connection that is refused or closed."""
        self._heads.remove(connection)
        self._parts.remove(connection)

    def close(self, connection: Parsing) -> None:
        """Removes a closed connection, and ends the waits of its request in turn.

        The end of a request takes as long as its begin, and hundreds may be closed together.
        """
        self.remove(connection)
        self._ends.add(connection.sender, connection)
        self._schedule()

    def begin(self, client: Client) -> None:
        """Counts a request that begins in this round."""
        self._shares.begin(client)
        self._begun += 1
        self._schedule()

    def finish(self, client: Client) -> None:
        """Counts a request that has ended; another one may begin."""
        self._shares.finish(client)
        self.wake()

    def wake(self) -> None:
        """Lets those begin that may begin now."""
        if self._heads:
            self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._scheduled_at = time.thread_time()
            asyncio.get_running_loop().call_soon(self._run_round)

    def _run_round(self) -> None:
        self._is_scheduled = False
        self._adapt(time.thread_time() - self._scheduled_at)
        self._begun = 0
        self._end_waits()
        end = time.perf_counter() + ROUND_SECONDS
        while (connection := self._take_next()) is not None:
            connection.parse()
            if time.perf_counter() >= end:
                self._schedule()
                break

    def _end_waits(self) -> None:
        for _ in range(self._most_begun):
            connection = self._ends.take(_always)
            if connection is None:
                return
            connection.end_waits()
        if self._ends:
            self._schedule()

    def _adapt(self, seconds: float) -> None:
        """Lets more or fewer requests begin and end, by the processor time of the last round."""
        if seconds > ROUND_SECONDS:
            self._most_begun = max(LEAST_BEGUN, self._most_begun // 2)
        else:
            self._most_begun = min(MOST_BEGUN, self._most_begun + 1)

    def _take_next(self) -> Parsing | None:
        """Takes a head and a part by turns."""
        self._is_part_next = not self._is_part_next
        if self._is_part_next:
            return self._take_part() or self._take_head()
        return self._take_head() or self._take_part()

    def _take_head(self) -> Parsing | None:
        return self._heads.take(self.may_begin) if self._begun < self._most_begun else None

    def _take_part(self) -> Parsing | None:
        return self._parts.take(_always)


def _always(_: Client) -> bool:
    return True
