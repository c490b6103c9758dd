"""The open connections that wait for their clients, and which of them are closed for others."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from api.http.connections.clients import Client

MOST_UNSENT_BYTES = 256 * 2**20
"""The most bytes of responses that wait in memory for clients to receive them."""
KEPT_SHARE = 0.9
"""The share of them that stays when there are too many."""
ROOM_SHARE = 40
"""The share of the connections that are closed together to make room for new ones."""
MOST_SWEPT = 16
"""The most idle connections that are closed in one round of the event loop."""
SWEEP_SECONDS = 0.01
"""The pause between two such rounds."""


class Connection(Protocol):
    """An open connection."""

    @property
    def sender(self) -> Client:
        """The client of the connection."""
        ...

    def abort(self) -> None:
        """Closes the connection at once."""
        ...

    def refuse_waiting(self) -> None:
        """Answers that the server is full, and closes the connection."""
        ...

    def close_idle(self) -> None:
        """Closes the connection, which has no request in progress."""
        ...

    def measure_body_rate(self) -> float:
        """Returns the bytes a second at which the body of the request has arrived."""
        ...

    def measure_unsent(self) -> int:
        """Returns the bytes of the response that wait for the client to receive them."""
        ...


class OpenConnections:
    """The open connections that wait for their clients; each kind is in the order of time."""

    def __init__(self, most_unsent: int = MOST_UNSENT_BYTES) -> None:
        """Has no connections yet.

        Args:
            most_unsent: The most bytes of responses that wait for clients.
        """
        self._most_unsent = most_unsent
        self.idle: dict[Connection, float] = {}
        """They have no request in progress; each with the time at which it is closed."""
        self.silent: dict[Connection, float] = {}
        """They have sent nothing yet; likewise."""
        self.waiting: dict[Connection, None] = {}
        """They have sent bytes of a request that has not begun."""
        self.reading: dict[Connection, None] = {}
        """They receive the body of a request."""
        self.stalled: dict[Connection, tuple[Client, int]] = {}
        """Their clients do not receive a response as fast as it is sent; with the unsent bytes."""
        self._unsent: Counter[Client] = Counter()
        """The unsent bytes of each client that receives slowly."""
        self._sweep: asyncio.TimerHandle | None = None

    def remove(self, connection: Connection) -> None:
        """Forgets a closed connection."""
        self.leave_idle(connection)
        self.waiting.pop(connection, None)
        self.reading.pop(connection, None)
        self.recover(connection)

    def leave_idle(self, connection: Connection) -> None:
        """Notes that a connection has sent something."""
        self.idle.pop(connection, None)
        self.silent.pop(connection, None)

    def add_idle(self, connection: Connection, seconds: float) -> None:
        """Closes a connection after some seconds, unless it sends a request."""
        self._add(self.idle, connection, seconds)

    def add_silent(self, connection: Connection, seconds: float) -> None:
        """Closes a new connection after some seconds, unless it sends something."""
        self._add(self.silent, connection, seconds)

    def _add(self, kind: dict[Connection, float], connection: Connection, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        kind[connection] = end
        if self._sweep is None or self._sweep.when() > end:
            self._schedule_sweep(end)

    def _schedule_sweep(self, at: float) -> None:
        """One timer serves all connections, and no round closes hundreds that end together."""
        if self._sweep is not None:
            self._sweep.cancel()
        self._sweep = asyncio.get_running_loop().call_at(at, self._close_idle)

    def _close_idle(self) -> None:
        self._sweep = None
        now = asyncio.get_running_loop().time()
        for kind in (self.silent, self.idle):
            for connection in _list_first(kind, MOST_SWEPT):
                if kind[connection] <= now:
                    del kind[connection]
                    connection.close_idle()
        ends = [next(iter(kind.values())) for kind in (self.silent, self.idle) if kind]
        if ends:
            self._schedule_sweep(max(min(ends), now + SWEEP_SECONDS))

    def may_send(self, client: Client) -> bool:
        """Whether a client has no more unsent bytes than are free."""
        if not self._unsent:
            return True
        return self._unsent[client] < self._most_unsent - self._unsent.total()

    def stall(self, connection: Connection) -> None:
        """Notes a client that receives slowly; closes the oldest of them if memory is short."""
        self.recover(connection)
        self._measure(connection)
        if self._unsent.total() > self._most_unsent:
            for one in list(self.stalled):  # clients have received some of the bytes
                self._forget_unsent(one)
                self._measure(one)
        if self._unsent.total() > self._most_unsent:
            self._close_stalled(int(KEPT_SHARE * self._most_unsent))

    def _measure(self, connection: Connection) -> None:
        size = connection.measure_unsent()
        self.stalled[connection] = (connection.sender, size)
        self._unsent[connection.sender] += size

    def _forget_unsent(self, connection: Connection) -> None:
        client, size = self.stalled[connection]
        self._unsent[client] -= size
        if not self._unsent[client]:
            del self._unsent[client]

    def _close_stalled(self, kept: int) -> None:
        for connection in list(self.stalled)[:-1]:
            if self._unsent.total() <= kept:
                break
            connection.abort()

    def recover(self, connection: Connection) -> None:
        """Notes that a client has received the response."""
        if connection in self.stalled:
            self._forget_unsent(connection)
            del self.stalled[connection]

    def make_room(self, most: int) -> None:
        """Closes connections of the client that has most of those that wait.

        Idle connections are closed first, then those whose clients receive slowly, the longest of
        them first; then the newest ones with a request that has not begun. If no connection waits,
        the one is closed that sends its body most slowly. A connection whose request the server
        works on is never closed.

        Args:
            most: The largest number of open connections.
        """
        closable = [*self.silent, *self.idle, *self.stalled, *reversed(self.waiting)]
        if closable:
            client = _find_most_frequent(closable)
            for connection in [one for one in closable if one.sender == client][: _get_room(most)]:
                _close(connection, is_waiting=connection in self.waiting)
        elif self.reading:
            min(self.reading, key=lambda one: one.measure_body_rate()).abort()


def _close(connection: Connection, *, is_waiting: bool) -> None:
    if is_waiting:
        connection.refuse_waiting()
    else:
        connection.abort()


def _get_room(most: int) -> int:
    return max(1, most // ROOM_SHARE)


def _find_most_frequent(connections: Iterable[Connection]) -> Client:
    """Returns the client with most connections; the first of several."""
    ((client, _),) = Counter(one.sender for one in connections).most_common(1)
    return client


def _list_first(kind: dict[Connection, float], most: int) -> list[Connection]:
    return [connection for connection, _ in zip(kind, range(most), strict=False)]
