"""Jobs as JSON, cached for a fraction of a second for all clients that poll them.

A job that is polled again and again is read before its snapshot is too old, so that no poll waits.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.http.etags import Conditions
from api.http.turns import Turns

FRESH_SECONDS = 0.25
"""Longest time for which a snapshot is sent without reading the job again."""
FRESH_SHARE = 0.03
"""Largest share of the job's age for the same, so that the end of a short job is seen at once."""
RENEWAL_SHARE = 0.6
"""The share of that time after which a poll lets the job be read again."""
CAPACITY = 4096
"""Snapshots in the cache."""

Key = tuple[str, str]
"""Owner and job id."""


@dataclass(frozen=True)
class Snapshot:
    """The JSON of a job, as it was when it was read."""

    read_at: float
    """Time of the read on the monotonic clock, in seconds."""
    age: float
    """Age of the job at that time, in seconds."""
    version: int
    is_terminal: bool
    body: bytes
    position: int | None = None
    """The place of a queued job, which changes without a change of the job's row."""
    step: bytes = b""
    """The JSON of the event of its latest step; empty between epochs."""

    @property
    def is_fresh(self) -> bool:
        """Whether the job need not be read again."""
        return self._get_used_share() < 1

    @property
    def is_due(self) -> bool:
        """Whether the job should be read again, since the snapshot is soon too old."""
        return self._get_used_share() >= RENEWAL_SHARE

    def _get_used_share(self) -> float:
        """Returns the share of the time for which the snapshot is fresh that has passed."""
        seconds = min(FRESH_SECONDS, FRESH_SHARE * self.age)
        return (time.monotonic() - self.read_at) / max(seconds, 1e-9)

    @property
    def etag(self) -> str:
        """The entity tag; weak, since equal versions need not be equal byte by byte."""
        place = "" if self.position is None else f"-{self.position}"
        return f'W/"{self.version}{place}"'

    def make_response(self, conditions: Conditions) -> Response:
        """Returns 200 with the job, or 304 if the client has this version.

        Raises:
            PreconditionFailed: `If-Match` does not name the entity tag.
        """
        headers = [(b"etag", self.etag.encode())]
        if not self.is_terminal:
            headers.append((b"retry-after", b"1"))
        if conditions.is_unchanged(self.etag):
            return RawResponse(304, headers, b"")
        length = (b"content-length", str(len(self.body)).encode())
        headers = [(b"content-type", b"application/json"), length, *headers]
        return RawResponse(200, headers, self.body)


class RawResponse(Response):
    """A response from encoded headers and body, which are sent as they are."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status_code = status
        self.body = body
        self.raw_headers = headers
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the response."""
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


class Snapshots:
    """A cache of snapshots; a write of this process removes the job's snapshot at once."""

    def __init__(self, read: Callable[[Key], Snapshot], turns: Turns | None = None) -> None:
        """Creates an empty cache.

        Args:
            read: Reads a job from the database; runs in a thread.
            turns: The turns of the owners' reads; None for any number at once.
        """
        self._read = read
        self._turns = turns
        self._cache: OrderedDict[Key, Snapshot] = OrderedDict()
        self._loading: dict[Key, asyncio.Task[Snapshot]] = {}

    def find_fresh(self, key: Key) -> Snapshot | None:
        """Returns the job's snapshot, if it is fresh."""
        found = self._cache.get(key)
        return found if found is not None and found.is_fresh else None

    async def find(self, key: Key) -> Snapshot | None:
        """Returns a fresh snapshot of a job that is in the cache or is being read, else None.

        Raises:
            GraphfitError: the job could not be read.
        """
        found = self.find_fresh(key)
        if found is not None:
            if found.is_due:
                self._start_loading(key)
            return found
        task = self._loading.get(key)
        return None if task is None else await asyncio.shield(task)

    async def get(self, key: Key) -> Snapshot:
        """Returns a fresh snapshot; concurrent calls for one job share one read.

        Raises:
            NotFound: the owner has no such job.
            Busy: the database does not answer.
        """
        found = self.find_fresh(key)
        return found if found is not None else await asyncio.shield(self._start_loading(key))

    def _start_loading(self, key: Key) -> asyncio.Task[Snapshot]:
        task = self._loading.get(key)
        if task is None:
            task = asyncio.create_task(self._load(key))
            task.add_done_callback(_retrieve_error)
            self._loading[key] = task
        return task

    async def _load(self, key: Key) -> Snapshot:
        try:
            async with self._turns.take(key[0]) if self._turns else nullcontext():
                snapshot = await run_in_threadpool(self._read, key)
            if self._loading.get(key) is asyncio.current_task():
                self._store(key, snapshot)
            return snapshot
        finally:
            if self._loading.get(key) is asyncio.current_task():
                del self._loading[key]

    def _store(self, key: Key, snapshot: Snapshot) -> None:
        self._cache[key] = snapshot
        self._cache.move_to_end(key)
        while len(self._cache) > CAPACITY:
            self._cache.popitem(last=False)

    def drop(self, key: Key) -> None:
        """Removes a job after a write; a read that started before the write is not stored."""
        self._loading.pop(key, None)
        self._cache.pop(key, None)


def _retrieve_error(task: asyncio.Task[Snapshot]) -> None:
    """Marks an error as seen: nobody may wait for the task any more."""
    if not task.cancelled():
        task.exception()
