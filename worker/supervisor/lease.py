"""Renews the lease of an attempt in a thread, since its supervisor may wait for large files."""

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

log = logging.getLogger(__name__)


class Lease:
    """The lease of one attempt, at its last renewal."""

    def __init__(self, claim: Claim, lease_seconds: float, leased_at: float) -> None:
        self._claim = claim
        self._seconds = lease_seconds
        self._lost = False
        self.at = leased_at
        """Time on this machine's monotonic clock, no later than the last renewal."""
        self.state = JobState.RUNNING
        """State of the job; `pausing` and `cancelling` are requested by its owner."""
        self.is_finish_asked = False
        """Whether its owner has asked to end the training and to keep what it has."""
        self.on_renewal: Callable[[Renewed], None] = _ignore
        """Called after each renewal, in the thread that renews."""

    def check(self) -> None:
        """Does nothing while the lease lasts.

        Raises:
            LeaseLost: another attempt may own the job.
        """
        if self._lost or time.monotonic() - self.at > self._seconds:
            raise LeaseLost(f"The lease of '{self._claim.job_id}' is lost.")

    @contextmanager
    def renewed(self, database: Database, tick_seconds: float) -> Iterator[None]:
        """Renews the lease every `tick_seconds` in a thread until the context ends."""
        over = threading.Event()

        def renew() -> None:
            while not self._lost and not over.wait(tick_seconds):
                self._renew(database)

        thread = threading.Thread(target=renew, name="renewal", daemon=True)
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
                renewal = leases.renew(connection, self._claim, self._seconds)
        except (Busy, StorageFull) as error:  # the next renewal may succeed before the lease ends
            log.warning("%s: %s", self._claim.job_id, error.detail)
        except LeaseLost:
            self._lost = True
        else:
            self.at = now
            self.state, self.is_finish_asked = renewal
            self.on_renewal(Renewed(at=now))


def _ignore(_: Renewed) -> None:
    """Does nothing."""
