"""Carries one claimed job to its end, or hands it back."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.errors import Busy, GraphfitError, LeaseLost, NotFound, StorageFull
from models_store.database.engine import Database
from models_store.files.store import ArtifactStore
from models_store.jobs import attempts, retries
from models_store.jobs.claims import Claim
from models_store.maintenance import sweep
from worker.protocol import failures
from worker.supervisor.attempt import Attempt
from worker.supervisor.journal import Journal
from worker.supervisor.lease import Lease
from worker.supervisor.options import Rules
from worker.supervisor.prepare import CheckpointLost, order_for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Supervisor:
    """Makes a place for an attempt, watches over it, and clears up behind it."""

    database: Database
    store: ArtifactStore
    rules: Rules
    environment_key: str
    """Of this worker: what it computes has the bits of all that have the same."""
    stopping: threading.Event

    def run(self, claim: Claim, leased_at: float) -> bool:
        """One attempt, from claim to end; where the lease is lost nothing more is written.

        Args:
            claim: What to do.
            leased_at: On the monotonic clock, no later than the lease began.

        Returns:
            Whether the stores were there for it.
        """
        log.info("%s: attempt %d", claim.job_id, claim.attempt)
        lease = Lease(claim, self.rules.lease_seconds, leased_at)
        went = True
        with lease.kept(self.database, self.rules):
            try:
                went = self._went(claim, lease)
            except LeaseLost as lost:
                log.warning("%s Nothing more is written.", lost.detail)
        self._clear(claim)
        return went

    def _went(self, claim: Claim, lease: Lease) -> bool:
        try:
            self._attempt(claim, lease)
        except CheckpointLost as lost:
            log.warning("%s: %s", claim.job_id, lost.detail)
            self._insist(lease, lambda store: attempts.begin_anew(store, claim))
        except NotFound as missing:
            error = failures.data_missing(missing.detail)
            self._insist(lease, lambda store: attempts.failed(store, claim, error))
        except (Busy, StorageFull) as away:
            log.warning("%s: %s", claim.job_id, away.detail)
            reason = failures.away(away)
            self._insist(lease, lambda store: retries.set_back(store, claim, reason))
            return False
        return True

    def _attempt(self, claim: Claim, lease: Lease) -> None:
        prefix = f"attempt-{claim.job_id}-{claim.fence}"
        with self.store.scratch(prefix) as folder, ExitStack() as held:
            order = order_for(claim, self.store, folder, held, self.rules)
            journal = Journal(claim, self.database, self.store, folder, self.environment_key)
            attempt = Attempt(claim, lease, journal, self.database, self.rules, self.stopping)
            attempt.run(replace(order, leased_at=lease.at))

    def _insist(self, lease: Lease, write: Callable[[Connection], None]) -> None:
        """Writes as soon as the database answers, while the lease lasts.

        Raises:
            LeaseLost: it did not; the job is taken back from us.
        """
        while True:
            lease.check()
            try:
                with self.database.write() as connection:
                    write(connection)
                return
            except (Busy, StorageFull) as error:
                log.warning("%s", error.detail)
                if self.stopping.is_set():
                    return  # the lease runs out by itself
                time.sleep(self.rules.tick_seconds)

    def _clear(self, claim: Claim) -> None:
        """Deletes the attempt's files where nothing names them; else the sweep will."""
        try:
            with self.database.read() as connection:
                named = str(claim.folder) in sweep.named_folders(connection, claim.job_id)
            if not named:
                self.store.delete_prefix(str(claim.folder))
        except (GraphfitError, OSError) as error:
            log.warning("files of %s stay for the sweep: %s", claim.job_id, error)
