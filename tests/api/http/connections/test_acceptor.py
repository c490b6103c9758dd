"""Connections are accepted in large numbers, and those that are closed already are not opened."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.http.connections.acceptor import MOST_OPENED, Server
from tests.support.service import until

CONNECTIONS = 300
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Rounds:
    """Counts the rounds of the event loop, and the connections that each of them opens.

    Between `stop` and `go_on` the event loop stands still, as it does for long work.
    """

    def __init__(self) -> None:
        self.opened: list[int] = [0]
        self._may_run = threading.Event()
        self._may_run.set()
        self._stands = threading.Event()

    def stop(self) -> None:
        self._may_run.clear()
        self._stands.wait()

    def go_on(self) -> None:
        self._may_run.set()

    async def count(self) -> None:
        while True:
            if not self._may_run.is_set():
                self._stands.set()
                self._may_run.wait()
            self.opened.append(0)
            await asyncio.sleep(0)


@contextmanager
def serve(rounds: Rounds) -> Iterator[tuple[str, int]]:
    """Serves in a thread, and yields the address."""

    class Counted(HttpToolsProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            rounds.opened[-1] += 1
            super().connection_made(transport)

    config = uvicorn.Config(
        answer, http=Counted, lifespan="off", log_level="error", loop="uvloop", backlog=1024
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(config)
        thread = threading.Thread(target=run, args=(server, listening, rounds), daemon=True)
        thread.start()
        until(lambda: server.started or None, "the server")
        yield listening.getsockname()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def run(server: Server, listening: socket.socket, rounds: Rounds) -> None:
    async def run_both() -> None:
        counting = asyncio.create_task(rounds.count())
        await server.serve([listening])
        counting.cancel()

    factory = server.config.get_loop_factory()
    assert factory is not None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run_both())


def test_a_connection_behind_many_is_answered_after_few_rounds() -> None:
    rounds = Rounds()
    with serve(rounds) as address:
        rounds.stop()
        opened = [socket.create_connection(address, timeout=20) for _ in range(CONNECTIONS)]
        with closing(socket.create_connection(address, timeout=20)) as connection:
            connection.sendall(REQUEST)
            rounds.go_on()
            assert connection.recv(100).startswith(b"HTTP/1.1 204 ")
        busy = [count for count in rounds.opened if count]
        assert sum(busy) == CONNECTIONS + 1
        assert max(busy) <= MOST_OPENED
        for one in opened:
            one.close()


def test_connections_that_are_closed_already_are_not_opened() -> None:
    rounds = Rounds()
    with serve(rounds) as address:
        rounds.stop()
        for _ in range(CONNECTIONS):
            with closing(socket.create_connection(address, timeout=20)) as gone:
                gone.sendall(REQUEST)
        with closing(socket.create_connection(address, timeout=20)) as connection:
            connection.sendall(REQUEST)
            rounds.go_on()
            assert connection.recv(100).startswith(b"HTTP/1.1 204 ")
        assert sum(rounds.opened) == 1


def test_a_closed_server_refuses_connections() -> None:
    with serve(Rounds()) as address:
        pass
    try:
        socket.create_connection(address, timeout=20).close()
    except ConnectionRefusedError:
        return
    raise AssertionError("the server still listens")
