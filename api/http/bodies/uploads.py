"""Reads large bodies in a thread, block by block, while they arrive."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeVar
from weakref import WeakValueDictionary

import anyio
from anyio import from_thread, to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import Request
from starlette.requests import ClientDisconnect

from api.http.turns import Turns

T = TypeVar("T")
BLOCK_BYTES = 1 << 20
MOST_UPLOADS = 16
"""Uploads that are read concurrently."""
SMALL_BYTES = 1 << 16
"""Largest body that is received whole before its upload takes a turn, so that a slow client of a
small body delays no other upload."""
_threads = anyio.CapacityLimiter(MOST_UPLOADS)
"""A separate pool: slow clients do not occupy the threads of other requests."""


Slot = threading.Semaphore
"""The permission to compute: threads that compute at the same time hold each other up, and the
event loop too."""
_slots: "WeakValueDictionary[str, Slot]" = WeakValueDictionary()
"""One for each owner with uploads. Only one upload of an owner is parsed at a time; the others
receive bytes."""


Block = list[bytes | bytearray]
"""The parts of a block, in the order in which they arrived."""
SMALL_PART_BYTES = 1 << 14
"""Bytes of a part up to which it is joined to its neighbours."""


class _Interrupted(Exception):
    """The connection ended before the whole body was received."""


class BodyStream:
    """A body that a thread reads while the event loop receives it."""

    def __init__(self, blocks: MemoryObjectReceiveStream[Block], slot: Slot) -> None:
        """Reads nothing yet.

        Args:
            blocks: The blocks of the body.
            slot: The reading thread holds it, except while it waits for a block.
        """
        self.is_interrupted = False
        self._blocks = blocks
        self._slot = slot
        self._parts: deque[bytes | bytearray] = deque()
        """The received parts that have not been read."""
        self._start = 0
        """The bytes of the first of them that have been read."""

    def read(self, size: int, /) -> bytes:
        """Waits for `size` bytes; returns fewer only at the end of the body, or of what arrived.

        Raises:
            _Interrupted: The connection ended before the whole body was received, and all bytes
                that were received have been read.
        """
        taken: list[bytes | bytearray | memoryview] = []
        missing = size
        while missing and (self._parts or self._receive_block(may_raise=not taken)):
            part = self._take_part(missing)
            missing -= len(part)
            taken.append(part)
        return b"".join(taken)

    def _take_part(self, most: int) -> bytes | bytearray | memoryview:
        part, start = self._parts[0], self._start
        if len(part) - start > most:
            self._start += most
            return memoryview(part)[start : self._start]
        self._parts.popleft()
        self._start = 0
        return memoryview(part)[start:] if start else part

    def _receive_block(self, *, may_raise: bool) -> bool:
        """Waits for a block; returns False at the end."""
        self._slot.release()
        try:
            self._parts.extend(from_thread.run(self._blocks.receive))
            return True
        except anyio.EndOfStream:
            if self.is_interrupted and may_raise:
                raise _Interrupted from None
            return False
        finally:
            self._slot.acquire()

    def close(self) -> None:
        """Stops reading; further blocks are discarded."""
        from_thread.run_sync(self._blocks.close)


Work = Callable[[BodyStream], T]
"""Reads a body, and returns the result."""


async def read_in_thread(request: Request, owner: str, turns: Turns, work: Work[T]) -> T:
    """Runs `work` on the request's body in a thread and returns its result.

    At most three blocks of the body are in memory.

    Args:
        request: The request.
        owner: The owner of the upload.
        turns: The turns of uploads.
        work: Reads the body.

    Raises:
        Busy: The wait for the turn was too long.
        ClientDisconnect: The client disconnected; `work` was stopped at its next read.
    """
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) <= SMALL_BYTES:
        await request.body()
    slot = _slots.setdefault(owner, Slot())
    async with turns.take(owner, request.scope):
        return await _read_with_turn(request, slot, work)


async def _read_with_turn(request: Request, slot: Slot, work: Work[T]) -> T:
    send, receive = anyio.create_memory_object_stream[Block](1)
    incoming = BodyStream(receive, slot)
    thread = asyncio.create_task(
        to_thread.run_sync(_read_and_close, work, incoming, slot, limiter=_threads)
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


def _read_and_close(work: Work[T], incoming: BodyStream, slot: Slot) -> T:
    try:
        with slot:
            return work(incoming)
    finally:
        incoming.close()


async def _forward(request: Request, send: MemoryObjectSendStream[Block]) -> None:
    async for block in _make_blocks(request.stream()):
        try:
            await send.send(block)
        except anyio.BrokenResourceError:
            return  # the thread has finished; the server discards the rest


async def _make_blocks(stream: AsyncIterator[bytes]) -> AsyncIterator[Block]:
    """Yields the parts of a stream in blocks of up to 1 MiB; each block costs a thread switch.

    A client that disconnects ends the stream; the bytes that it sent are a block as well.
    """
    parts: Block = []
    size = 0
    broken: ClientDisconnect | None = None
    try:
        async for part in stream:
            if parts and size + len(part) > BLOCK_BYTES:
                yield parts
                parts, size = [], 0
            _append_part(parts, part)
            size += len(part)
    except ClientDisconnect as error:
        broken = error
    if size:
        yield parts
    if broken is not None:
        raise broken


def _append_part(parts: Block, part: bytes) -> None:
    """Appends a part to a block; joins small ones, since each takes memory of its own."""
    if len(part) > SMALL_PART_BYTES:
        parts.append(part)
    elif parts and isinstance(parts[-1], bytearray):
        parts[-1] += part
    else:
        parts.append(bytearray(part))
