"""Whom each API key lets in, at hand for every request."""

import asyncio
import time
from collections.abc import Mapping

import anyio
from anyio import to_thread

from models_store.database.engine import Database
from models_store.records import keys

FRESH_SECONDS = 1.0
"""For so long after it was revoked a key may still let in."""
PAUSE_SECONDS = 0.1
"""Between two readings: who sends keys that are none keeps the database no busier than this."""


class KeyRing:
    """All keys by their hashes: read again once a second, and for a key that is not among them.

    So a new key opens at once, and however many requests come, one reading serves them all.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owners: Mapping[str, str] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._thread = anyio.CapacityLimiter(1)

    def _at_hand(self, digest: str) -> str | None:
        """The owner, when no reading is needed to know."""
        if time.monotonic() - self._read_at < FRESH_SECONDS:
            return self._owners.get(digest)
        return None

    async def owner_of(self, digest: str) -> str | None:
        """The owner of the key whose secret has this hash; None when it lets nobody in.

        Raises:
            Busy: the database does not answer.
        """
        asked_at = time.monotonic()
        while (owner := self._at_hand(digest)) is None:
            if self._read_at >= asked_at:
                return self._owners.get(digest)
            await self._read_again()
        return owner

    async def _read_again(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        await asyncio.sleep(self._read_at + PAUSE_SECONDS - time.monotonic())
        began = time.monotonic()
        # A thread of its own: those of the requests may all be waiting for something
        self._owners = await to_thread.run_sync(self._owners_now, limiter=self._thread)
        self._read_at = began

    def _owners_now(self) -> Mapping[str, str]:
        with self._database.read() as connection:
            return keys.owners(connection)
