"""The owners of all API keys, cached in memory for every request."""

import asyncio
import time
from collections.abc import Mapping

import anyio
from anyio import to_thread
from starlette.types import Scope

from api.http.connections.clients import get_key
from models_store.database.engine import Database
from models_store.records import keys
from models_store.records.keys import hash_secret

FRESH_SECONDS = 1.0
"""A revoked key is accepted for at most this long."""
PAUSE_SECONDS = 0.1
"""Shortest time between two reads, so that requests with unknown keys do not load the database."""


def get_bearer_token(scope: Scope) -> str | None:
    """Returns the token of the `Authorization` header; None if there are several headers.

    Two headers are rejected, since a proxy could read another one than this service.
    """
    return get_key(scope["headers"])


class KeyCache:
    """Owners by the digests of their keys: read again each second, and for an unknown digest.

    A new key is therefore accepted at once, and concurrent requests share one read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owners: Mapping[str, str] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._thread = anyio.CapacityLimiter(1)

    async def find_owner(self, digest: str) -> str | None:
        """Returns the owner of the key with this digest; None if it is unknown or revoked.

        Raises:
            Busy: the database does not answer.
        """
        asked_at = time.monotonic()
        while (owner := self._look_up(digest)) is None:
            if self._read_at >= asked_at:
                return self._owners.get(digest)
            await self._refresh()
        return owner

    def find_known_owner(self, secret: str) -> str | None:
        """Returns the owner of a key that was in the database lately; it proves no access."""
        return self._owners.get(hash_secret(secret))

    def _look_up(self, digest: str) -> str | None:
        """Returns the owner from the cache; None if the cache is old or has no such digest."""
        if time.monotonic() - self._read_at < FRESH_SECONDS:
            return self._owners.get(digest)
        return None

    async def _refresh(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        await asyncio.sleep(self._read_at + PAUSE_SECONDS - time.monotonic())
        started = time.monotonic()
        # A separate thread: all threads for requests may be busy
        self._owners = await to_thread.run_sync(self._load, limiter=self._thread)
        self._read_at = started

    def _load(self) -> Mapping[str, str]:
        with self._database.read() as connection:
            return keys.get_owners(connection)
