"""Records why queued jobs wait if no worker can take them."""

import time
from collections.abc import Collection

from domain.job.resources import Capacity
from models_store.database.engine import Database
from models_store.jobs import wait_reasons, workers

REFRESH_SECONDS = 10.0
"""Time between two scans of the queue while the workers stay the same."""


class Explainer:
    """Scans the queue if the workers have changed or the last scan is `REFRESH_SECONDS` ago."""

    def __init__(self, database: Database, anywhere_seconds: float) -> None:
        self._database = database
        self._anywhere_seconds = anywhere_seconds
        self._offers: Collection[Capacity] | None = None
        self._scanned_at = 0.0

    def explain(self) -> None:
        """Updates the reasons of jobs that have none, or a wrong one."""
        with self._database.read() as connection:
            offers = workers.get_capacities(connection)
            age = time.monotonic() - self._scanned_at
            if offers == self._offers and age < REFRESH_SECONDS:
                return
            changed = wait_reasons.is_any_outdated(connection, offers, self._anywhere_seconds)
        if changed:
            self._update(offers)
        self._offers, self._scanned_at = offers, time.monotonic()

    def _update(self, offers: Collection[Capacity]) -> None:
        after: str | None = ""
        while after is not None:
            with self._database.write() as connection:
                after = wait_reasons.update_some(connection, offers, self._anywhere_seconds, after)
