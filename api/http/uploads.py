"""Bodies too large for memory: read by one thread, a block at a time, as they come."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import anyio
from anyio import from_thread, to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import Request

from domain.errors import Busy

T = TypeVar("T")
BLOCK_BYTES = 1 << 20
AT_ONCE = 16
_threads = anyio.CapacityLimiter(AT_ONCE)
"""Of their own: slow clients hold no thread that other requests need."""


class _Lost(Exception):
    """The body ended before all of it had come; whoever reads it stops."""


class BodyStream:
    """The thread's end: a body to read from."""

    def __init__(self, blocks: MemoryObjectReceiveStream[bytes]) -> None:
        self.lost = False
        self._blocks = blocks
        self._rest = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, as soon as there are any; none at the end."""
        if not self._rest:
            block = self._next()
            if len(block) <= size:
                return block
            self._rest = memoryview(block)
        part, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return part

    def _next(self) -> bytes:
        try:
            return from_thread.run(self._blocks.receive)
        except anyio.EndOfStream:
            if self.lost:
                raise _Lost from None
            return b""

    def close(self) -> None:
        """Nothing more is read."""
        from_thread.run_sync(self._blocks.close)


async def read_in_thread(request: Request, work: Callable[[BodyStream], T]) -> T:
    """What `work` makes of the request's body, of which three blocks are in memory at most.

    Raises:
        Busy: so many are being read already that this one would have to wait.
        ClientDisconnect: the client went away; `work` was stopped at its next read.
    """
    if _threads.available_tokens < 1:
        raise Busy(f"{AT_ONCE} uploads are under way; send this one again later.", retry_after=5)
    send, receive = anyio.create_memory_object_stream[bytes](1)
    incoming = BodyStream(receive)
    thread = asyncio.create_task(
        to_thread.run_sync(_read_and_close, work, incoming, limiter=_threads)
    )
    try:
        await _pump(request, send)
    except BaseException:
        incoming.lost = True
        raise
    finally:
        send.close()
        await asyncio.gather(thread, return_exceptions=True)
    return thread.result()


def _read_and_close(work: Callable[[BodyStream], T], incoming: BodyStream) -> T:
    try:
        return work(incoming)
    finally:
        incoming.close()


async def _pump(request: Request, send: MemoryObjectSendStream[bytes]) -> None:
    async for block in _gathered(request.stream()):
        try:
            await send.send(block)
        except anyio.BrokenResourceError:
            return  # the thread has its answer; the server throws the rest away


async def _gathered(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in blocks of up to a MiB: one hop to the thread each."""
    parts: list[bytes] = []
    size = 0
    async for part in stream:
        if parts and size + len(part) > BLOCK_BYTES:
            yield b"".join(parts)
            parts.clear()
            size = 0
        parts.append(part)
        size += len(part)
    if size:
        yield b"".join(parts)
