"""Turns for costly work: a limited number at the same time, shared fairly between owners."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from api.http.connections.clients import CLIENT
from api.http.connections.disconnect import ended_by_disconnect
from domain.errors import Busy
from domain.key import LOCAL_OWNER

RETRY_SECONDS = 2


class Turns:
    """Lets a number of requests work at the same time; the others wait.

    The owners of waiting requests take turns, so that many requests of one owner do not delay a
    request of another. The requests of one owner keep their order. All calls belong to one event
    loop.
    """

    def __init__(
        self, at_once: int, wait_seconds: float, work: str, *, most_of_owner: int | None = None
    ) -> None:
        """Creates the turns.

        Args:
            at_once: The number of requests that work at the same time.
            wait_seconds: The longest wait of a request.
            work: The work in the plural, for the message of the error.
            most_of_owner: The number of requests of one owner that work at the same time. If it is
                less than `at_once`, long work of one owner does not delay another owner.
        """
        self._at_once = self._free = at_once
        self._wait_seconds = wait_seconds
        self._work = work
        self._most_of_owner = most_of_owner or at_once
        self._working: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def take(
        self, owner: str, scope: MutableMapping[str, Any] | None = None
    ) -> AsyncIterator[None]:
        """Waits for a turn, which ends with the block.

        Args:
            owner: The owner of the request.
            scope: The ASGI scope of the request, whose wait ends if its client has gone; None if
                several requests share the work.

        Raises:
            Busy: The wait was too long.
            ClientDisconnect: The client has closed the connection meanwhile.
        """
        client = _get_client(owner, scope)
        await self._wait(client, scope)
        try:
            yield
        finally:
            self._finish(client)

    async def _wait(self, owner: str, scope: MutableMapping[str, Any] | None) -> None:
        if self._may_start(owner) and owner not in self._waiting:
            self._start(owner)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        try:
            async with asyncio.timeout(self._wait_seconds):
                with ended_by_disconnect(scope, turn):
                    await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._finish(owner)  # the turn came at the moment at which the wait ended
            turn.cancel()
            if isinstance(error, TimeoutError):
                raise Busy(f"Too many {self._work} are waiting.", RETRY_SECONDS) from None
            raise

    def _may_start(self, owner: str) -> bool:
        """Whether an owner may start; with a limit for each owner, it leaves as many free."""
        working = self._working[owner]
        if self._most_of_owner < self._at_once and working >= self._free:
            return False
        return self._free > 0 and working < self._most_of_owner

    def _start(self, owner: str) -> None:
        self._free -= 1
        self._working[owner] += 1

    def _finish(self, owner: str) -> None:
        """Frees a turn, and gives it to the owner whose last turn is longest ago."""
        self._free += 1
        self._working[owner] -= 1
        if not self._working[owner]:
            del self._working[owner]
        while (following := self._find_next()) is not None:
            turns = self._waiting.pop(following)
            turn = turns.popleft()
            if turns:
                self._waiting[following] = turns
            if not turn.done():
                self._start(following)
                turn.set_result(None)

    def _find_next(self) -> str | None:
        return next((owner for owner in self._waiting if self._may_start(owner)), None)


def _get_client(owner: str, scope: MutableMapping[str, Any] | None) -> str:
    """Returns the owner; in a service without keys the client of the connection."""
    client = None if scope is None or owner != LOCAL_OWNER else scope.get(CLIENT)
    return owner if client is None else client.key
