"""One slot of work: called awake or looking by itself, it runs jobs until none is left."""

import logging
import threading
import time
from dataclasses import dataclass, field

from domain.errors import GraphfitError
from domain.job.resources import Capacity
from models_store.database.engine import Database
from models_store.jobs import claims
from models_store.jobs.claims import Claim
from worker.supervisor.runner import Supervisor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slot:
    """At most one job at a time."""

    worker: str
    """Its id."""
    capacity: Capacity
    database: Database
    supervisor: Supervisor
    stopping: threading.Event
    _busy: threading.Lock = field(default_factory=threading.Lock)

    def work(self) -> None:
        """Claims and runs jobs until none fits; at once if the slot is busy already."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            while not self.stopping.is_set() and self._work_once():
                pass
        except GraphfitError as error:
            log.warning("%s", error.detail)  # the store is away: the next look may find it
        finally:
            self._busy.release()
        self.supervisor.rules.pulse.beat()

    def _work_once(self) -> bool:
        """Gives whether another look is worth while at once."""
        leased_at = time.monotonic()  # before the claim: our own clock may run short, not long
        claim = self._claim()
        if claim is None:
            return False
        return self.supervisor.run(claim, leased_at)

    def _claim(self) -> Claim | None:
        rules = self.supervisor.rules
        with self.database.read() as connection:
            if not claims.is_any(connection, self.capacity, rules.anywhere_seconds):
                return None  # an idle worker takes no write lock
        with self.database.write() as connection:
            return claims.claim(
                connection, self.worker, self.capacity, rules.lease_seconds, rules.anywhere_seconds
            )

    def look_every(self, seconds: float) -> None:
        """Looks for work until the worker stops; calls that got lost do no harm."""
        while not self.stopping.wait(seconds):
            try:
                self.work()
            except Exception:  # a fault of ours costs one job its lease, not the worker its ears
                log.exception("a job broke off; it is queued again when its lease runs out")
