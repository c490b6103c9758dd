"""Runs one claimed job until it ends or is released."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.errors import Busy, GraphfitError, LeaseLost, NotFound, StorageFull
from domain.job.job import JobError
from models_store.database.engine import Database
from models_store.files.store import ArtifactStore
from models_store.jobs import attempts, retries
from models_store.jobs.claims import Claim
from models_store.maintenance import sweep
from models_store.records import uploads
from models_store.records.uploads import StoredUpload
from worker.protocol import failures
from worker.supervisor.attempt import Attempt
from worker.supervisor.handlers.registry import prepare
from worker.supervisor.lease import Lease
from worker.supervisor.local_files import CheckpointLost, LocalFiles
from worker.supervisor.options import Options
from worker.supervisor.recorder import Recorder
from worker.supervisor.time_limit import find_deadline_error

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runner:
    """Prepares an attempt, watches it, and deletes its files afterwards."""

    database: Database
    store: ArtifactStore
    options: Options
    environment_key: str
    """A hash that is equal for all workers whose results have the same bits."""
    stopping: threading.Event
    """Set when the worker must stop."""

    def run(self, claim: Claim, leased_at: float) -> bool:
        """Runs one attempt. Once its lease is lost, nothing more is written.

        Args:
            claim: The claimed job.
            leased_at: This machine's monotonic clock, no later than the start of the lease.

        Returns:
            Whether the stores answered.
        """
        log.info("%s: attempt %d", claim.job_id, claim.attempt)
        lease = Lease(claim, self.options.lease_seconds, leased_at)
        answered = True
        with lease.renewed(self.database, self.options.tick_seconds):
            try:
                answered = self._run_or_release(claim, lease)
            except LeaseLost as lost:
                log.warning("%s Nothing more is written.", lost.detail)
        self._delete_files(claim)
        return answered

    def _run_or_release(self, claim: Claim, lease: Lease) -> bool:
        """Runs one attempt; handles missing files. Returns False if a store does not answer."""
        error = find_deadline_error(claim, self.options.max_job_seconds)
        if error is not None:  # earlier attempts took all of its time
            self._fail(lease, claim, error)
            return True
        try:
            self._attempt(claim, lease)
        except CheckpointLost as lost:
            log.warning("%s: %s", claim.job_id, lost.detail)
            self._write(lease, lambda connection: attempts.restart(connection, claim))
        except NotFound as missing:
            self._fail(lease, claim, failures.make_missing_data_error(missing.detail))
        except (Busy, StorageFull) as unavailable:
            log.warning("%s: %s", claim.job_id, unavailable.detail)
            reason = failures.describe_unavailable_store(unavailable)
            self._write(lease, lambda connection: retries.retry_later(connection, claim, reason))
            return False
        return True

    def _attempt(self, claim: Claim, lease: Lease) -> None:
        prefix = f"attempt-{claim.job_id}-{claim.fence}"
        with self.store.scratch(prefix) as folder, ExitStack() as stack:
            files = LocalFiles(self.store, stack, self._get_upload)
            task = prepare(claim, files, folder, self.options)
            recorder = Recorder(claim, self.database, self.store, folder, self.environment_key)
            attempt = Attempt(claim, lease, recorder, self.database, self.options, self.stopping)
            attempt.run(replace(task, leased_at=lease.at))

    def _get_upload(self, upload_id: str) -> StoredUpload:
        with self.database.read() as connection:
            return uploads.get_stored(connection, upload_id)

    def _fail(self, lease: Lease, claim: Claim, error: JobError) -> None:
        self._write(lease, lambda connection: attempts.fail(connection, claim, error))

    def _write(self, lease: Lease, write: Callable[[Connection], None]) -> None:
        """Writes as soon as the database answers, while the lease lasts.

        Raises:
            LeaseLost: it did not answer in time; the reaper queues the job again.
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
                time.sleep(self.options.tick_seconds)

    def _delete_files(self, claim: Claim) -> None:
        """Deletes the attempt's files if no row names them; on an error the sweep does it later."""
        try:
            with self.database.read() as connection:
                named = str(claim.folder) in sweep.get_referenced_folders(connection, claim.job_id)
            if not named:
                self.store.delete_prefix(str(claim.folder))
        except (GraphfitError, OSError) as error:
            log.warning("files of %s stay until the next sweep: %s", claim.job_id, error)
