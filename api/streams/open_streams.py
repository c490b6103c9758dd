"""The open streams: their number by owner, and the reader of each job that they follow."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.streams.event_reader import EventReader, EventSource
from domain.errors import Busy

Key = tuple[str, str]
"""Owner and job id."""
RETRY_SECONDS = 5


@dataclass
class _Running:
    """A reader and its task, which runs while streams follow it."""

    reader: EventReader
    task: asyncio.Task[None]
    streams: int = 0


class OpenStreams:
    """Limits the streams of each owner, and shares one reader among the streams of a job."""

    def __init__(self, most: int) -> None:
        """Opens nothing yet.

        Args:
            most: The largest number of open streams of one owner.
        """
        self._most = most
        self._counts: Counter[str] = Counter()
        self._running: dict[Key, _Running] = {}

    def open(self, owner: str) -> None:
        """Counts one more stream; call `close` at its end.

        Raises:
            Busy: The owner has too many open streams.
        """
        if self._counts[owner] >= self._most:
            detail = f"At most {self._most} event streams may be open (MAX_EVENT_STREAMS). Close "
            raise Busy(f"{detail}one, or read pages of events.", RETRY_SECONDS)
        self._counts[owner] += 1

    def close(self, owner: str) -> None:
        """Counts one stream less."""
        self._counts[owner] -= 1
        if not self._counts[owner]:
            del self._counts[owner]

    @asynccontextmanager
    async def join(
        self, key: Key, make_source: Callable[[], EventSource]
    ) -> AsyncIterator[EventReader]:
        """Gives the reader of a job, which runs until the last of its streams has left."""
        running = self._running.get(key)
        if running is None or running.reader.has_failed:
            reader = EventReader(make_source())
            running = self._running[key] = _Running(reader, asyncio.create_task(reader.run()))
        running.streams += 1
        try:
            yield running.reader
        finally:
            running.streams -= 1
            if not running.streams:
                running.task.cancel()
                if self._running.get(key) is running:
                    del self._running[key]


class EventStreamResponse(StreamingResponse):
    """A stream of events, which is counted until it has ended."""

    media_type = "text/event-stream"

    def __init__(self, stream: AsyncIterator[bytes], close: Callable[[], None]) -> None:
        super().__init__(stream, headers=HEADERS)
        self._stream = stream
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream until it ends or the client disconnects."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()
            await self._stream.aclose()  # type: ignore[attr-defined]


HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""Headers of a stream; the second one tells proxies not to hold events back."""
