"""Jobs as JSON, cached for a fraction of a second for all clients that poll them."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.http.etags import matches

FRESH_SECONDS = 0.25
"""Longest time for which a snapshot is sent without reading the job again."""
FRESH_SHARE = 0.03
"""Largest share of the job's age for the same, so that the end of a short job is seen at once."""
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

    @property
    def is_fresh(self) -> bool:
        """Whether the job need not be read again."""
        seconds = min(FRESH_SECONDS, FRESH_SHARE * self.age)
        return time.monotonic() - self.read_at < seconds

    @property
    def etag(self) -> str:
        """The entity tag; weak, since equal versions need not be equal byte by byte."""
        return f'W/"{self.version}"'

    def make_response(self, if_none_match: str | None) -> Response:
        """Returns 200 with the job, or 304 if the client has this version."""
        headers = [(b"etag", self.etag.encode())]
        if not self.is_terminal:
            headers.append((b"retry-after", b"1"))
        if if_none_match is not None and matches(if_none_match, self.etag):
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

    def __init__(self) -> None:
        self._cache: OrderedDict[Key, Snapshot] = OrderedDict()
        self._loading: dict[Key, asyncio.Task[Snapshot]] = {}

    def find_fresh(self, key: Key) -> Snapshot | None:
        """Returns the job's snapshot, if it is fresh."""
        found = self._cache.get(key)
        return found if found is not None and found.is_fresh else None

    async def get(self, key: Key, read: Callable[[], Awaitable[Snapshot]]) -> Snapshot:
        """Returns a fresh snapshot; concurrent calls for one job share one read."""
        found = self.find_fresh(key)
        if found is not None:
            return found
        task = self._loading.get(key)
        if task is None:
            task = asyncio.create_task(self._load(key, read))
            self._loading[key] = task
        return await asyncio.shield(task)

    async def _load(self, key: Key, read: Callable[[], Awaitable[Snapshot]]) -> Snapshot:
        try:
            snapshot = await read()
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
