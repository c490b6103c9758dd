"""Connections that send too much or too slowly are closed, before any key is looked at."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psutil
import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.http.connections import clients
from api.http.connections.clients import CLIENT
from api.http.connections.connection import ConnectionLimits, make_protocol
from api.http.connections.request_turns import MOST_BEGUN
from tests.support.service import until

LARGE_BYTES = 64 * 2**20
"""More than the kernel keeps for a client that does not read."""
MOST = 5
LIMITS = ConnectionLimits(head_bytes=2000, head_seconds=0.5, body_seconds=0.5, body_rate=100)


SOME_BYTES = 10_000
"""Fewer bytes than those at which a transport pauses the response."""
transports: dict[int, asyncio.Transport] = {}
"""The transports of the servers by the ports of the clients."""


def note_transports(protocol: type[HttpToolsProtocol]) -> type[HttpToolsProtocol]:
    class Noted(protocol):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            transports[self.client[1]] = transport

    return Noted


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers the length of the body."""
    total = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        total += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    if scope["path"] == "/rest":
        await send_until_unread(scope, send)
        return
    body = bytes(LARGE_BYTES) if scope["path"] == "/large" else str(total).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_until_unread(scope: Any, send: Any) -> None:
    """Ends the response while the last bytes wait in the server."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    transport = transports[scope["client"][1]]
    while transport.get_write_buffer_size() < SOME_BYTES:
        await send({"type": "http.response.body", "body": bytes(SOME_BYTES), "more_body": True})
        await asyncio.sleep(0.001)
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def serve(**options: Any) -> Iterator[int]:
    """Serves `echo` in a thread, and yields the port."""
    protocol = note_transports(make_protocol(LIMITS, options.get("limit_concurrency")))
    with run_server(echo, protocol, **options) as found:
        yield found


@contextmanager
def run_server(app: Any, protocol: type[HttpToolsProtocol], **options: Any) -> Iterator[int]:
    """Serves an application in a thread, and yields the port."""
    config = uvicorn.Config(
        app, port=0, http=protocol, lifespan="off", log_level="error", loop="uvloop", **options
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    until(lambda: server.started or None, "the server")
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serve() as found:
        yield found


@pytest.fixture
def full_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server that takes few connections, all of one client."""
    monkeypatch.setattr(clients, "GROUP_SECONDS", 1e9)
    with serve(limit_concurrency=MOST + 1) as found:
        yield found


@pytest.fixture
def connection(port: int) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as opened:
        yield opened


def read_to_end(connection: socket.socket) -> bytes:
    """Returns what the server sends until it closes the connection."""
    received = b""
    try:
        while block := connection.recv(65536):
            received += block
    except ConnectionResetError:
        pass
    return received


def read_answer(connection: socket.socket) -> bytes:
    """Returns the body of one answer, which has at most four bytes."""
    received = b""
    while True:
        received += connection.recv(1000)
        head, end, body = received.partition(b"\r\n\r\n")
        if end and b"content-length: %d\r\n" % len(body) in head + b"\r\n":
            return body


def get_problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    problem: dict[str, Any] = json.loads(body)
    return problem


def test_requests_on_one_connection_are_answered(connection: socket.socket) -> None:
    for _ in range(3):
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        assert read_answer(connection) == b"3"


def test_headers_over_the_limit_are_a_431(connection: socket.socket) -> None:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 2500)
    answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert get_problem(answer)["type"] == "/problems/headers-too-large"


def test_headers_that_do_not_end_are_a_408(connection: socket.socket) -> None:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert "HEADER_SECONDS" in get_problem(answer)["detail"]


def test_a_silent_connection_is_closed(connection: socket.socket) -> None:
    assert read_to_end(connection) == b""


@pytest.mark.parametrize(
    "header", [b"Content-Length: 1000000", b"Transfer-Encoding: chunked"], ids=["length", "chunked"]
)
def test_a_body_that_stops_is_a_408(connection: socket.socket, header: bytes) -> None:
    connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
    answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert "MIN_BODY_RATE" in get_problem(answer)["detail"]


def test_a_body_that_trickles_is_a_408(connection: socket.socket) -> None:
    connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    connection.settimeout(0.1)
    for _ in range(100):
        connection.sendall(b"a")
        try:
            answer = connection.recv(65536)
        except TimeoutError:
            continue
        assert answer.startswith(b"HTTP/1.1 408 ")
        return
    raise AssertionError("the body was read on")


def test_a_slow_body_above_the_rate_is_read_to_its_end(connection: socket.socket) -> None:
    connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1500\r\n\r\n")
    pause = threading.Event()
    for _ in range(15):  # 1 kB/s for longer than two checks of the rate
        connection.sendall(b"a" * 100)
        pause.wait(0.1)
    assert read_answer(connection) == b"1500"


def test_pipelined_requests_are_answered_in_their_order(connection: socket.socket) -> None:
    bodies = [b"a" * size for size in (0, 1, 300, 2, 7000)]
    heads = [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(b) for b in bodies]
    last = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    connection.sendall(b"".join(h + b for h, b in zip(heads, bodies, strict=True)) + last)
    answers = read_to_end(connection).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [answer.partition(b"\r\n\r\n")[2] for answer in answers] == [
        b"0", b"1", b"300", b"2", b"7000", b"0"
    ]  # fmt: skip


@pytest.mark.parametrize("size", [100, 5000, 100_000])
def test_a_chunked_body_is_read_and_the_next_request_is_answered(
    connection: socket.socket, size: int
) -> None:
    chunk = b"%x\r\n%s\r\n" % (size, b"a" * size)
    for _ in range(2):
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(chunk * 3 + b"0\r\n\r\n")
        received = b""
        while not received.endswith(b"\r\n\r\n%d" % (3 * size)):
            received += connection.recv(1000)


def test_a_body_of_very_many_small_chunks_is_refused(connection: socket.socket) -> None:
    connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.sendall(b"1\r\na\r\n" * 25_000)
    answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert "chunks" in get_problem(answer)["detail"]


def test_200_headers_are_read_and_201_are_a_431(connection: socket.socket) -> None:
    start = b"GET / HTTP/1.1\r\n"
    connection.sendall(start + b"a:\r\n" * 200 + b"\r\n")
    assert read_answer(connection) == b"0"
    connection.sendall(start + b"a:\r\n" * 201 + b"\r\n")
    answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert "200 headers" in get_problem(answer)["detail"]


def test_small_chunks_of_many_connections_delay_no_other_connection(port: int) -> None:
    opened = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(64)]
    for one in opened:
        one.setblocking(False)
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        one.send(head + b"1\r\na\r\n" * 19_000)
    began = time.monotonic()
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        assert read_answer(connection) == b"3"
    assert time.monotonic() - began < 1
    for one in opened:
        one.close()


def test_a_full_server_closes_the_connection_that_is_idle_for_the_longest_time(
    full_port: int,
) -> None:
    address = ("127.0.0.1", full_port)
    opened = [socket.create_connection(address, timeout=20) for _ in range(MOST)]
    for number in (1, 0, *range(2, MOST)):  # the second connection is idle for the longest time
        opened[number].sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")
        assert read_answer(opened[number]) == b"1"
    with closing(socket.create_connection(address, timeout=20)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        assert read_answer(connection) == b"3"
        assert read_to_end(opened[1]) == b""
        opened[0].sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
        assert read_answer(opened[0]) == b"2"
    for one in opened:
        one.close()


def test_a_client_that_does_not_read_its_response_is_closed(port: int) -> None:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        client = connection.getsockname()[1]
        until(lambda: not is_open(port, client) or None, "the end of the connection", 20)
        assert len(read_to_end(connection)) < LARGE_BYTES


@pytest.mark.slow
def test_the_last_response_is_sent_no_longer_than_the_client_reads(port: int) -> None:
    """The server closes the connection itself, but waits until its client has read the rest."""
    with closing(make_slow_reader(port)) as connection:
        connection.sendall(b"GET /rest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        client = connection.getsockname()[1]
        until(lambda: not is_open(port, client) or None, "the end of the connection", 20)


def test_clients_that_do_not_read_do_not_fill_a_server(full_port: int) -> None:
    opened = [make_slow_reader(full_port) for _ in range(2 * MOST)]
    for one in opened:
        one.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    with closing(socket.create_connection(("127.0.0.1", full_port), timeout=20)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        assert read_answer(connection) == b"3"
    for one in opened:
        one.close()


def make_slow_reader(port: int) -> socket.socket:
    """Connects with a small window, so that most of a response stays in the server."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", port))
    return connection


def is_open(port: int, client: int) -> bool:
    """Whether the server has a connection with the port of a client."""
    found = psutil.Process().net_connections("tcp")
    ends = [(c.laddr.port, c.raddr.port) for c in found if c.raddr and c.status == "ESTABLISHED"]
    return (port, client) in ends


def test_a_request_of_another_key_is_among_the_first() -> None:
    """The requests arrive while the event loop stands still, those of one key before the other."""
    order: list[str] = []
    stands, may_run = threading.Event(), threading.Event()

    async def note(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/stand":
            stands.set()
            may_run.wait()
        else:
            order.append(scope[CLIENT].name)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    protocol = make_protocol(LIMITS, find_owner=lambda key: key.removeprefix("key-of-"))
    with run_server(note, protocol) as port:
        opened = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(102)]
        opened[0].sendall(b"GET /stand HTTP/1.1\r\nHost: x\r\n\r\n")
        stands.wait()
        for number, one in enumerate(opened[1:]):
            owner = b"few" if number == 100 else b"many"
            one.sendall(b"GET / HTTP/1.1\r\nAuthorization: Bearer key-of-" + owner + b"\r\n\r\n")
        may_run.set()
        until(lambda: len(order) == 101 or None, "all requests")
        for one in opened:
            one.close()
    assert "few" in order[: 2 * MOST_BEGUN]
