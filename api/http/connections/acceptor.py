"""A server that accepts many connections in each round of the event loop."""

import asyncio
import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import uvicorn

log = logging.getLogger(__name__)
MOST_OPENED = 16
"""The most connections that are opened in one round of the event loop."""
MOST_ACCEPTED = 256
"""The most connections that are accepted in one round, with those that are closed already."""
PAUSE_SECONDS = 0.5
"""The pause after an error, e.g. if the process has too many open files."""
CLOSED_STATES = frozenset({7, 8})
"""TCP_CLOSE and TCP_CLOSE_WAIT: the other end has closed the connection."""
MakeProtocol = Callable[[], asyncio.Protocol]


class Acceptor:
    """Accepts the connections of a listening socket; uvicorn takes it for a server of asyncio.

    libuv accepts one connection of a socket in each round, and opens it even if the client has
    closed it. A client that opens and closes connections would fill the queue of the kernel, and a
    connection that finds it full is tried again a second later.
    """

    def __init__(self, listening: socket.socket, make_protocol: MakeProtocol) -> None:
        """Accepts nothing yet.

        Args:
            listening: A socket that listens.
            make_protocol: Makes the protocol of a connection.
        """
        self.sockets = (listening,)
        self._listening = listening
        self._make_protocol = make_protocol
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Begins to accept connections."""
        self._listening.setblocking(False)
        self._loop.add_reader(self._listening, self._accept)

    def close(self) -> None:
        """Accepts no more connections."""
        self._loop.remove_reader(self._listening)
        self._listening.close()

    async def wait_closed(self) -> None:
        """Waits for nothing: uvicorn has waited for the open connections."""

    def _accept(self) -> None:
        opened = 0
        for _ in range(MOST_ACCEPTED):
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError as error:
                self._pause(error)
                return
            if has_ended(connection):
                connection.close()
                continue
            self._open(connection)
            opened += 1
            if opened == MOST_OPENED:
                return

    def _open(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        opening = self._loop.connect_accepted_socket(self._make_protocol, connection)
        task = self._loop.create_task(opening)
        self._opening.add(task)
        task.add_done_callback(self._finish_opening)

    def _finish_opening(self, task: asyncio.Task[Any]) -> None:
        self._opening.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a connection could not be opened: %s", error)

    def _pause(self, error: OSError) -> None:
        log.warning("no connection can be accepted for %s s: %s", PAUSE_SECONDS, error)
        self._loop.remove_reader(self._listening)
        self._loop.call_later(PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        if self._listening.fileno() >= 0:
            self._loop.add_reader(self._listening, self._accept)


def has_ended(connection: socket.socket) -> bool:
    """Whether the other end has closed an accepted connection."""
    if not hasattr(socket, "TCP_INFO"):
        return False  # this system does not tell
    state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return state[0] in CLOSED_STATES


class Server(uvicorn.Server):
    """uvicorn's server, which accepts the connections of TCP sockets by itself."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen."""
        bound = sockets or [self.config.bind_socket()]
        await super().startup(sockets=[])
        if not self.should_exit:
            for one in bound:
                self._listen(one)

    def _listen(self, bound: socket.socket) -> None:
        protocol: Any = self.config.http_protocol_class
        make_protocol = partial(
            protocol,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        bound.listen(self.config.backlog)
        acceptor = Acceptor(bound, make_protocol)
        acceptor.start()
        self.servers.append(acceptor)  # type: ignore[arg-type]
