"""Jobs as they are shown, rendered once for all who poll them."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

FRESH_SECONDS = 0.25
FRESH_SHARE = 0.03
"""Of a job's age: one that is done in half a second is not said to run for a quarter more."""
KEPT = 4096

Key = tuple[str, str]
"""Owner and job."""


@dataclass(frozen=True)
class Snapshot:
    """A job's answer, as it was when it was read."""

    read_at: float
    age: float
    """Of the job, in seconds, when it was read."""
    version: int
    is_terminal: bool
    body: bytes

    @property
    def is_fresh(self) -> bool:
        """Whether the job need not be read again."""
        lasts = min(FRESH_SECONDS, FRESH_SHARE * self.age)
        return time.monotonic() - self.read_at < lasts

    @property
    def etag(self) -> str:
        """Weak: equal versions say the same, if not byte for byte."""
        return f'W/"{self.version}"'

    def response(self, if_none_match: str | None) -> Response:
        """200 with the job, or 304 for who has it already."""
        headers = [(b"etag", self.etag.encode())]
        if not self.is_terminal:
            headers.append((b"retry-after", b"1"))
        if if_none_match is not None and matches(if_none_match, self.etag):
            return Rendered(304, headers, b"")
        length = (b"content-length", str(len(self.body)).encode())
        return Rendered(200, [(b"content-type", b"application/json"), length, *headers], self.body)


class Rendered(Response):
    """A response of ready bytes: nothing is encoded again."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status_code = status
        self.body = body
        self.raw_headers = headers
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


def matches(if_none_match: str, etag: str) -> bool:
    """Whether a client's `If-None-Match` names this version (RFC 9110, weak comparison)."""
    given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in given or etag.removeprefix("W/") in given


class Snapshots:
    """At most a quarter of a second old, and never older than this process's own writes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Snapshot] = OrderedDict()
        self._loading: dict[Key, asyncio.Task[Snapshot]] = {}

    def fresh(self, key: Key) -> Snapshot | None:
        """What needs no reading."""
        found = self._kept.get(key)
        return found if found is not None and found.is_fresh else None

    async def get(self, key: Key, read: Callable[[], Awaitable[Snapshot]]) -> Snapshot:
        """The job; all who ask while it is being read share one reading."""
        found = self.fresh(key)
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
                self._keep(key, snapshot)
            return snapshot
        finally:
            if self._loading.get(key) is asyncio.current_task():
                del self._loading[key]

    def _keep(self, key: Key, snapshot: Snapshot) -> None:
        self._kept[key] = snapshot
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def drop(self, key: Key) -> None:
        """Called after a write: what was read before it is not shown any more."""
        self._loading.pop(key, None)
        self._kept.pop(key, None)
