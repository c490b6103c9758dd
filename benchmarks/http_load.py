"""Sends one request again and again over many connections, and measures the times of the answers.

The client parses no more of an answer than its status and its length, so that a benchmark of a
server on two cores measures the server.
"""

import asyncio
import gc
import time
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import numpy as np
import psutil
import uvloop

LENGTH = b"content-length:"
END = b"\r\n\r\n"


@dataclass(frozen=True)
class Load:
    """What a server did under load."""

    rate: float
    """Answers a second."""
    p99: float
    """The 99th percentile of the times of the answers, in seconds."""
    longest: float
    """The longest of these times, in seconds."""
    processor: float
    """Processor time of the server's process for an answer, in seconds.

    Other processes on the machine change it little.
    """


class _Connection(asyncio.Protocol):
    """One connection, which sends the next request when the answer to the last one is complete."""

    def __init__(self, request: bytes, seconds: list[float], end: float) -> None:
        self._request = request
        self._seconds = seconds
        self._end = end
        self._buffer = b""
        self._transport: asyncio.WriteTransport
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._send()

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) < self._get_length():
            return
        now = time.perf_counter()
        assert self._buffer.startswith(b"HTTP/1.1 200"), self._buffer
        self._seconds.append(now - self._began)
        self._buffer = b""
        if now < self._end:
            self._send()
        else:
            self._transport.close()

    def _get_length(self) -> float:
        """Returns the bytes of the whole answer; infinity while its head is not complete."""
        head, end, _ = self._buffer.partition(END)
        if not end:
            return float("inf")
        length = head.lower().partition(LENGTH)[2].split(b"\r\n")[0]
        return len(head) + len(END) + int(length)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


def make_request(address: str, method: str, path: str, body: bytes = b"") -> bytes:
    """Return the bytes of a request with a JSON body, or with none."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(address).netloc}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Server:
    """A server to measure."""

    address: str
    process: psutil.Process

    def count_seconds(self) -> float:
        """Return the processor time of the process, in seconds."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def measure(server: Server, request: bytes, connections: int, seconds: float) -> Load:
    """Return what a server did with a request that is sent for some seconds.

    Raises:
        AssertionError: An answer was not 200.
    """
    gc.collect()
    gc.disable()  # its pauses would count as the server's
    try:
        return uvloop.run(_measure(server, request, connections, seconds))
    finally:
        gc.enable()


async def _measure(server: Server, request: bytes, connections: int, seconds: float) -> Load:
    parts = urlsplit(server.address)
    used = server.count_seconds()
    times: list[float] = []
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(
            lambda: _Connection(request, times, began + seconds),
            parts.hostname or "",
            parts.port or 80,
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.closed for _, connection in opened))
    took = time.perf_counter() - began
    p99 = float(np.quantile(times, 0.99))
    used = (server.count_seconds() - used) / len(times)
    return Load(len(times) / took, p99, max(times), used)
