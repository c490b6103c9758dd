"""Reads large bodies in a thread, block by block, while they arrive."""

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
MOST_UPLOADS = 16
"""Uploads that are read concurrently."""
_threads = anyio.CapacityLimiter(MOST_UPLOADS)
"""A separate pool: slow clients do not occupy the threads of other requests."""


class _Interrupted(Exception):
    """The connection ended before the whole body was received."""


class BodyStream:
    """A body that a thread reads while the event loop receives it."""

    def __init__(self, blocks: MemoryObjectReceiveStream[bytes]) -> None:
        self.is_interrupted = False
        self._blocks = blocks
        self._rest = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Waits for bytes and returns at most `size` of them; none at the end of the body."""
        if not self._rest:
            block = self._receive_block()
            if len(block) <= size:
                return block
            self._rest = memoryview(block)
        part, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return part

    def _receive_block(self) -> bytes:
        try:
            return from_thread.run(self._blocks.receive)
        except anyio.EndOfStream:
            if self.is_interrupted:
                raise _Interrupted from None
            return b""

    def close(self) -> None:
        """Stops reading; further blocks are discarded."""
        from_thread.run_sync(self._blocks.close)


async def read_in_thread(request: Request, work: Callable[[BodyStream], T]) -> T:
    """Runs `work` on the request's body in a thread and returns its result.

    At most three blocks of the body are in memory.

    Raises:
        Busy: The maximum number of uploads is in progress.
        ClientDisconnect: The client disconnected; `work` was stopped at its next read.
    """
    if _threads.available_tokens < 1:
        raise Busy(
            f"{MOST_UPLOADS} uploads are in progress; send this one again later.", retry_after=5
        )
    send, receive = anyio.create_memory_object_stream[bytes](1)
    incoming = BodyStream(receive)
    thread = asyncio.create_task(
        to_thread.run_sync(_read_and_close, work, incoming, limiter=_threads)
    )
    try:
        await _forward(request, send)
    except BaseException:
        incoming.is_interrupted = True
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


async def _forward(request: Request, send: MemoryObjectSendStream[bytes]) -> None:
    async for block in _join_blocks(request.stream()):
        try:
            await send.send(block)
        except anyio.BrokenResourceError:
            return  # the thread has finished; the server discards the rest


async def _join_blocks(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Joins the parts of a stream into blocks of up to 1 MiB; each block costs a thread switch."""
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
