"""One reader behind all streams of a job; each stream gets every event once and in order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from api.http.job_snapshots import Snapshot
from api.streams.event_reader import KEPT_BYTES, EncodedEvent, EventReader, EventSource
from domain.errors import Busy, NotFound

PAGE = 3
"""The largest number of events of one page of these sources."""


class Job:
    """The events of a job, in memory; it counts how often they are read."""

    def __init__(self, count: int = 0, size: int = 1) -> None:
        self.events = [EncodedEvent(i + 1, b"x" * size) for i in range(count)]
        self.size = size
        self.is_terminal = False
        self.error: Exception | None = None
        self.snapshots = self.pages = self.largest = 0

    def add(self, count: int = 1) -> None:
        start = len(self.events) + 1
        self.events += [EncodedEvent(start + i, b"x" * self.size) for i in range(count)]

    async def read_snapshot(self) -> Snapshot:
        if self.error is not None:
            raise self.error
        self.snapshots += 1
        return Snapshot(0, 0, len(self.events), self.is_terminal, b"")

    async def find_newest(self) -> int:
        return len(self.events)

    async def read_page(self, after: int) -> Sequence[EncodedEvent]:
        self.pages += 1
        return self.events[after : after + PAGE]

    def source(self) -> EventSource:
        return EventSource(self.read_snapshot, self.find_newest, self.read_page)


async def follow(reader: EventReader, after: int, seen: list[int]) -> None:
    async for page in reader.follow(after, 0.05):
        seen += [event.id for event in page]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the events did not arrive")


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def test_streams_share_the_reads_of_new_events() -> None:
    async def work() -> None:
        job = Job(count=2)
        reader = EventReader(job.source())
        task = asyncio.create_task(reader.run())
        seen: list[list[int]] = [[] for _ in range(50)]
        streams = [asyncio.create_task(follow(reader, 0, one)) for one in seen]
        await until(lambda: all(len(one) == 2 for one in seen))
        replays = job.pages
        assert replays == 50  # each stream has read the events before its beginning
        for _ in range(4):
            count = len(job.events) + 1
            job.add()
            await until(lambda count=count: all(len(one) == count for one in seen))  # type: ignore[misc]
        assert job.pages - replays <= 2 * 4  # one page with the event, and one without more
        job.is_terminal = True
        job.add()
        await asyncio.gather(*streams, task)
        assert seen == [[*range(1, len(job.events) + 1)]] * 50

    run(work)


def test_a_long_history_is_replayed_by_pages() -> None:
    async def work() -> None:
        job = Job(count=10)
        job.is_terminal = True
        reader = EventReader(job.source())
        await reader.run()
        pages = [[event.id for event in page] async for page in reader.follow(0, 0.05)]
        assert pages == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10]]
        assert [page async for page in reader.follow(10, 0.05)] == []
        assert [[e.id for e in page] async for page in reader.follow(8, 0.05)] == [[9, 10]]

    run(work)


def test_large_events_are_not_kept_and_still_arrive() -> None:
    async def work() -> None:
        job = Job(count=1, size=KEPT_BYTES // 2 + 1)
        reader = EventReader(job.source())
        task = asyncio.create_task(reader.run())
        seen: list[int] = []
        stream = asyncio.create_task(follow(reader, 0, seen))
        await until(lambda: seen == [1])
        job.add(7)
        await until(lambda: len(seen) == 8)
        assert sum(len(event.text) for event in reader._recent) <= KEPT_BYTES
        job.is_terminal = True
        job.add()
        await asyncio.gather(stream, task)
        assert seen == [*range(1, 10)]

    run(work)


@pytest.mark.parametrize("error", [NotFound("job", "x"), Busy("The database is away.")])
def test_an_error_ends_all_streams(error: Exception) -> None:
    async def work() -> None:
        job = Job(count=1)
        reader = EventReader(job.source())
        task = asyncio.create_task(reader.run())
        seen: list[int] = []
        stream = asyncio.create_task(follow(reader, 0, seen))
        await until(lambda: seen == [1])
        job.error = error
        await asyncio.gather(stream, task)
        assert reader.is_over
        assert reader.has_failed is isinstance(error, Busy)

    run(work)
