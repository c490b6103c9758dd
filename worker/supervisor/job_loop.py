"""Claims and runs queued jobs, one at a time, on a message or by polling."""

import logging
import threading
import time
from dataclasses import dataclass, field

from domain.errors import GraphfitError
from domain.job.resources import Capacity
from models_store.database.engine import Database
from models_store.jobs import claims
from models_store.jobs.claims import Claim
from worker.supervisor.runner import Runner

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobLoop:
    """Runs at most one job at a time."""

    worker: str
    """The worker's id."""
    capacity: Capacity
    database: Database
    runner: Runner
    stopping: threading.Event
    """Set when the worker must stop."""
    _busy: threading.Lock = field(default_factory=threading.Lock)

    def run_queued(self) -> None:
        """Claims and runs jobs until none fits; returns at once if another thread does so."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            while not self.stopping.is_set() and self._run_next():
                pass
        except GraphfitError as error:
            log.warning("%s", error.detail)  # a store does not answer; the next poll tries again
        finally:
            self._busy.release()
        self.runner.options.heartbeat.touch()

    def _run_next(self) -> bool:
        """Runs the next job; returns whether another one may be claimed at once."""
        leased_at = (
            time.monotonic()
        )  # before the claim, so that this lease ends no later than the one in the database
        claim = self._claim()
        if claim is None:
            return False
        return self.runner.run(claim, leased_at)

    def _claim(self) -> Claim | None:
        options = self.runner.options
        with self.database.read() as connection:
            if not claims.is_any_claimable(connection, self.capacity, options.anywhere_seconds):
                return None  # an idle worker takes no write lock
        with self.database.write() as connection:
            return claims.claim(
                connection,
                self.worker,
                self.capacity,
                options.lease_seconds,
                options.anywhere_seconds,
            )

    def poll(self, seconds: float) -> None:
        """Looks for jobs every `seconds` until the worker stops, in case messages are lost."""
        while not self.stopping.wait(seconds):
            try:
                self.run_queued()
            except Exception:  # keep polling after an unexpected error
                log.exception(
                    "a job ended with an internal error; it is queued again when its lease ends"
                )
