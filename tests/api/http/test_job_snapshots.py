"""Snapshots of polled jobs are read again in time, so that no poll waits for the database."""

import asyncio
import threading
import time
from itertools import pairwise

import pytest

from api.http import job_snapshots
from api.http.job_snapshots import FRESH_SECONDS, RENEWAL_SHARE, Key, Snapshot, Snapshots
from domain.errors import NotFound

KEY = ("ada", "job_1")
POLLS = 100
HOUR = 3600.0
FRESH = 1000 * HOUR
"""Seconds that no slow machine exceeds, in place of FRESH_SECONDS."""


@pytest.fixture
def long_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps snapshots fresh for longer than a test takes."""
    monkeypatch.setattr(job_snapshots, "FRESH_SECONDS", FRESH)


class Reads:
    """Counts the reads of a job."""

    def __init__(self, age: float = 1e4 * FRESH, seconds: float = 0, used_share: float = 0) -> None:
        """Makes a job.

        Args:
            age: Age of the job in seconds.
            seconds: Duration of a read.
            used_share: The share of the time for which a snapshot is fresh that a read takes off.
        """
        self.count = 0
        self.started = threading.Event()
        self._age = age
        self._seconds = seconds
        self._used_share = used_share

    def __call__(self, key: Key) -> Snapshot:
        read_at = time.monotonic() - self._used_share * FRESH
        self.count += 1
        self.started.set()
        time.sleep(self._seconds)
        return Snapshot(read_at, self._age, self.count, False, b"{}")


@pytest.mark.usefixtures("long_fresh")
def test_only_the_first_poll_waits_for_the_database() -> None:
    reads = Reads(used_share=RENEWAL_SHARE + 0.1)
    snapshots = Snapshots(reads)

    async def poll() -> None:
        await snapshots.get(KEY)
        for version in (1, 2, 3):
            found = snapshots.find(KEY)
            with pytest.raises(StopIteration) as answer:
                found.send(None)
            assert answer.value.value.version == version
            await wait_for_version(snapshots, version + 1)

    asyncio.run(poll())
    assert reads.count == 4


class Clock:
    """Stands for the module `time`; the test moves it on."""

    now = 0.0

    def monotonic(self) -> float:
        """Returns the seconds."""
        return self.now


def test_a_polled_job_is_read_again_after_a_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The job is read neither more often than that, nor after its snapshot is old."""
    clock, reads = Clock(), list[float]()
    monkeypatch.setattr(job_snapshots, "time", clock)

    def read(_key: Key) -> Snapshot:
        reads.append(clock.now)
        return Snapshot(clock.now, 1e4, len(reads), False, b"{}")

    async def poll() -> None:
        snapshots = Snapshots(read)
        await snapshots.get(KEY)
        for _ in range(POLLS):
            clock.now += 0.1 * FRESH_SECONDS
            assert snapshots.find_fresh(KEY) is not None
            assert await snapshots.find(KEY) is not None
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    asyncio.run(poll())
    pauses = [after - before for before, after in pairwise(reads)]
    assert min(pauses) >= RENEWAL_SHARE * FRESH_SECONDS * (1 - 1e-9)
    assert max(pauses) < (RENEWAL_SHARE + 0.11) * FRESH_SECONDS
    assert sum(pauses) > (POLLS / 10 - 1) * FRESH_SECONDS


@pytest.mark.usefixtures("long_fresh")
def test_a_snapshot_that_is_not_due_is_not_read_again() -> None:
    reads = Reads(used_share=RENEWAL_SHARE - 0.1)

    async def poll() -> None:
        snapshots = Snapshots(reads)
        await snapshots.get(KEY)
        for _ in range(POLLS):
            assert await snapshots.find(KEY) is not None

    asyncio.run(poll())
    assert reads.count == 1


async def wait_for_version(snapshots: Snapshots, version: int) -> None:
    """Waits until a read in the background has stored the version."""
    while True:
        found = snapshots.find_fresh(KEY)
        assert found is not None
        if found.version == version:
            return
        await asyncio.sleep(0.001)


def test_a_job_that_is_not_polled_is_not_read() -> None:
    reads = Reads()

    async def wait() -> Snapshot | None:
        snapshots = Snapshots(reads)
        await snapshots.get(KEY)
        await asyncio.sleep(FRESH_SECONDS)
        return await snapshots.find(KEY)

    assert asyncio.run(wait()) is None
    assert reads.count == 1


@pytest.mark.usefixtures("long_fresh")
def test_concurrent_polls_share_one_read() -> None:
    reads = Reads(seconds=0.05)

    async def poll() -> list[Snapshot]:
        snapshots = Snapshots(reads)
        return await asyncio.gather(*(snapshots.get(KEY) for _ in range(POLLS)))

    assert {snapshot.version for snapshot in asyncio.run(poll())} == {1}
    assert reads.count == 1


@pytest.mark.usefixtures("long_fresh")
def test_a_poll_of_the_middleware_joins_a_read_in_progress() -> None:
    reads = Reads(seconds=0.05)

    async def poll() -> tuple[Snapshot | None, Snapshot | None]:
        snapshots = Snapshots(reads)
        before = await snapshots.find(KEY)
        first = asyncio.create_task(snapshots.get(KEY))
        await asyncio.sleep(0)
        joined = await snapshots.find(KEY)
        assert joined is await first
        return before, joined

    before, joined = asyncio.run(poll())
    assert before is None
    assert joined is not None
    assert reads.count == 1


@pytest.mark.usefixtures("long_fresh")
def test_a_read_that_fails_in_the_background_is_reported_to_the_next_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Deleted(Reads):
        def __call__(self, key: Key) -> Snapshot:
            if self.count:
                raise NotFound("job", key[1])
            return super().__call__(key)

    async def poll() -> None:
        snapshots = Snapshots(Deleted(used_share=RENEWAL_SHARE + 0.1))
        await snapshots.get(KEY)
        assert await snapshots.find(KEY) is not None
        monkeypatch.setattr(job_snapshots, "FRESH_SECONDS", 0)
        with pytest.raises(NotFound):
            await snapshots.get(KEY)

    asyncio.run(poll())


@pytest.mark.usefixtures("long_fresh")
def test_a_write_of_this_process_removes_the_snapshot_and_the_read_in_progress() -> None:
    reads = Reads(seconds=0.05)

    async def write() -> int:
        snapshots = Snapshots(reads)
        early = asyncio.create_task(snapshots.get(KEY))
        await asyncio.to_thread(reads.started.wait)
        snapshots.drop(KEY)
        late = await snapshots.get(KEY)
        await early
        found = snapshots.find_fresh(KEY)
        assert found is late
        return late.version

    assert asyncio.run(write()) == 2


@pytest.mark.usefixtures("long_fresh")
def test_a_young_job_is_read_more_often() -> None:
    read_at = time.monotonic() - HOUR
    young = Snapshot(read_at, HOUR, 1, False, b"{}")
    assert not young.is_fresh
    old = Snapshot(read_at, 1e4 * FRESH, 1, False, b"{}")
    assert old.is_fresh
    assert not old.is_due
