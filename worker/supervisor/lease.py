"""Keeps a lease, whatever its supervisor waits for: large files take long."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain.errors import Busy, LeaseLost, StorageFull
from domain.job.job import JobState
from models_store.database.engine import Database
from models_store.jobs import leases
from models_store.jobs.claims import Claim
from worker.protocol.messages import Renewed
from worker.supervisor.options import Rules

log = logging.getLogger(__name__)


class Lease:
    """Of one attempt, as it was last heard of."""

    def __init__(self, claim: Claim, lease_seconds: float, leased_at: float) -> None:
        self._claim = claim
        self._seconds = lease_seconds
        self._lost = False
        self.began = self.at = leased_at
        """On this machine's monotonic clock, no later than the lease was renewed."""
        self.state = JobState.RUNNING
        """Of the job: `pausing` and `cancelling` are its owner's wish."""
        self.tell: Callable[[Renewed], None] = _nobody
        """Hears of each renewal."""

    def check(self) -> None:
        """Nothing, as long as it holds.

        Raises:
            LeaseLost: another attempt may own the job.
        """
        if self._lost or time.monotonic() - self.at > self._seconds:
            raise LeaseLost(f"The lease of '{self._claim.job_id}' is lost.")

    @contextmanager
    def kept(self, database: Database, rules: Rules) -> Iterator[None]:
        """Renews it once a tick, in a thread, for as long as the context lasts."""
        over = threading.Event()

        def keep() -> None:
            while not self._lost and not over.wait(rules.tick_seconds):
                self._renew(database)

        thread = threading.Thread(target=keep, name="renewal", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _renew(self, database: Database) -> None:
        now = time.monotonic()
        try:
            with database.write() as connection:
                self.state = leases.renew(connection, self._claim, self._seconds)
        except (Busy, StorageFull) as error:  # it may come back while the lease lasts
            log.warning("%s: %s", self._claim.job_id, error.detail)
        except LeaseLost:
            self._lost = True
        else:
            self.at = now
            self.tell(Renewed(at=now))


def _nobody(_: Renewed) -> None:
    """Hears nothing."""
