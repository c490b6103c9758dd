"""Tells queued jobs why they wait when no worker can take them."""

import time
from collections.abc import Collection

from domain.job.resources import Capacity
from models_store.database.engine import Database
from models_store.jobs import wait_reasons, workers

CALM_SECONDS = 10.0
"""Between two looks at the queue while workers neither come nor go: a look is as long as it is."""


class Explainer:
    """Remembers what it told last, so that it looks at the queue when there may be news."""

    def __init__(self, database: Database, anywhere_seconds: float) -> None:
        self._database = database
        self._anywhere_seconds = anywhere_seconds
        self._offers: Collection[Capacity] | None = None
        self._looked = 0.0

    def explain(self) -> None:
        """Tells those jobs that are not told the truth yet."""
        with self._database.read() as connection:
            offers = workers.offered(connection)
            if offers == self._offers and time.monotonic() - self._looked < CALM_SECONDS:
                return
            news = wait_reasons.is_any_untold(connection, offers, self._anywhere_seconds)
        if news:
            self._tell(offers)
        self._offers, self._looked = offers, time.monotonic()

    def _tell(self, offers: Collection[Capacity]) -> None:
        after: str | None = ""
        while after is not None:
            with self._database.write() as connection:
                after = wait_reasons.tell_some(connection, offers, self._anywhere_seconds, after)
