"""Reads the new events of one job, for all open streams of that job."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from fastapi.sse import format_sse_event

from api.http.job_snapshots import FRESH_SECONDS, Snapshot
from domain.errors import Busy, NotFound

log = logging.getLogger(__name__)
STEP_SECONDS = 0.5
"""Least time between two events of steps."""
KEPT_BYTES = 2**20
"""Largest size of the newest events that are kept for streams, in bytes."""


@dataclass(frozen=True)
class EncodedEvent:
    """An event as it is sent."""

    id: int
    text: bytes


@dataclass(frozen=True)
class EventSource:
    """Reads one job; each function raises NotFound if the job does not exist."""

    read_snapshot: Callable[[], Awaitable[Snapshot]]
    find_newest: Callable[[], Awaitable[int]]
    """Returns the id of the newest event."""
    read_page: Callable[[int], Awaitable[Sequence[EncodedEvent]]]
    """Returns the events after an id, oldest first; not all of them, if there are many."""


class EventReader:
    """Reads the events of one job once, however many streams follow it.

    Streams get the newest events from memory. A stream that is further behind reads pages of its
    own, one at a time, until it has caught up.
    """

    def __init__(self, source: EventSource) -> None:
        """Reads nothing yet."""
        self._source = source
        self._recent: deque[EncodedEvent] = deque()
        self._recent_bytes = 0
        self._newest = 0
        self._news = asyncio.Event()
        self._step = b""
        """The latest step, as it is sent."""
        self._steps = 0
        """The number of steps that were announced."""
        self._step_at = 0.0
        self.is_over = False
        """Whether no more events follow."""
        self.has_failed = False
        """Whether the database did not answer."""

    async def run(self) -> None:
        """Reads events until the job has ended or is deleted, or the database fails."""
        try:
            await self._read_to_end()
        except NotFound:
            self._newest = 0  # what is left cannot be read any more
        except Busy as busy:
            self.has_failed = True
            log.warning("streams of events end early: %s", busy.detail)
        finally:
            self.is_over = True
            self._tell()

    async def _read_to_end(self) -> None:
        snapshot = await self._source.read_snapshot()
        self._newest = await self._source.find_newest()
        self._tell()
        while not snapshot.is_terminal:
            await asyncio.sleep(FRESH_SECONDS)
            version = snapshot.version
            snapshot = await self._source.read_snapshot()
            if snapshot.version != version:
                await self._read_new()
                self._announce_step(snapshot)

    def _announce_step(self, snapshot: Snapshot) -> None:
        """Tells the streams the latest step, unless one was told just before."""
        now = time.monotonic()
        if snapshot.step and now - self._step_at >= STEP_SECONDS:
            self._step = format_sse_event(data_str=snapshot.step.decode(), event="step")
            self._step_at, self._steps = now, self._steps + 1
            self._tell()

    async def _read_new(self) -> None:
        while found := await self._source.read_page(self._newest):
            self._newest = found[-1].id
            self._recent.extend(found)
            self._recent_bytes += sum(len(event.text) for event in found)
            while self._recent_bytes > KEPT_BYTES:
                self._recent_bytes -= len(self._recent.popleft().text)
            self._tell()

    def _tell(self) -> None:
        """Wakes all streams."""
        self._news.set()
        self._news = asyncio.Event()

    async def follow(self, after: int, seconds: float) -> AsyncIterator[Sequence[EncodedEvent]]:
        """Yields the events after an id in pages, until the last event of the job.

        In between, the latest step is a page with the id of the event before it.

        Args:
            after: The id of the last event that the stream has sent; 0 at its beginning.
            seconds: After each wait of so many seconds without an event, an empty page follows.
        """
        told = self._steps
        while True:
            news = self._news
            if page := await self._get_page(after):
                after = page[-1].id
                yield page
            elif told != self._steps:
                told = self._steps
                yield [EncodedEvent(after, self._step)]
            elif self.is_over:
                return
            else:
                yield await _wait(news, seconds)

    async def _get_page(self, after: int) -> Sequence[EncodedEvent]:
        if after >= self._newest:
            return ()
        if self._recent and self._recent[0].id <= after + 1:
            return [event for event in self._recent if event.id > after]
        try:
            return await self._source.read_page(after)
        except NotFound:
            return ()


async def _wait(news: asyncio.Event, seconds: float) -> Sequence[EncodedEvent]:
    """Waits until there is news, at most for some seconds; returns an empty page."""
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        pass
    return ()
