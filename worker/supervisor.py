"""Carries one claimed job to its end, or hands it back."""

import logging
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace

from domain.errors import LeaseLost, NotFound
from domain.job import JobError
from models_store import attempts, sweep
from models_store.artifacts import ArtifactStore
from models_store.claims import Claim
from models_store.database import Database
from worker.attempt import Attempt
from worker.journal import Journal
from worker.orders import order_for
from worker.renewal import Lease, renewed
from worker.rules import Rules

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Supervisor:
    """Makes a place for an attempt, watches over it, and clears up behind it."""

    database: Database
    store: ArtifactStore
    rules: Rules
    stopping: threading.Event

    def run(self, claim: Claim, leased_at: float) -> None:
        """One attempt, from claim to end; where the lease is lost nothing more is written.

        Args:
            claim: What to do.
            leased_at: On the monotonic clock, no later than the lease began.
        """
        prefix = f"attempt-{claim.job_id}-{claim.fence}"
        try:
            with self.store.scratch(prefix) as folder, ExitStack() as held:
                lease = Lease(leased_at)
                with renewed(self.database, claim, self.rules, lease):
                    order = order_for(claim, self.store, folder, held, self.rules)
                order = replace(order, leased_at=lease.at)
                journal = Journal(claim, self.database, self.store, folder)
                Attempt(claim, order, journal, self.database, self.rules, self.stopping).run()
        except NotFound as missing:
            self._fail(claim, missing)
        except LeaseLost as lost:
            log.warning("%s Nothing more is written.", lost.detail)
        self._clear(claim)

    def _fail(self, claim: Claim, missing: NotFound) -> None:
        """A file of the job's data or models is gone from the store: no attempt can bring it."""
        error = JobError(
            type="data-missing",
            title="Data that the job needs is missing",
            detail=f"{missing.detail} It was deleted from the store while the job needed it.",
            category="infrastructure",
        )
        with self.database.write() as connection:
            attempts.failed(connection, claim, error)

    def _clear(self, claim: Claim) -> None:
        """Deletes the attempt's files where nothing names them; else the sweep will."""
        with self.database.read() as connection:
            named = str(claim.folder) in sweep.named_folders(connection, claim.job_id)
        if not named:
            self.store.delete_prefix(str(claim.folder))
