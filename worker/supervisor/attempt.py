"""Watches one training process: its messages, requests to stop its job, and its end."""

import logging
import threading
import time
from multiprocessing.context import ForkServerProcess

from domain.errors import Busy
from domain.job.job import JobState
from models_store.database.engine import Database
from models_store.jobs import attempts, leases, retries
from models_store.jobs.claims import Claim
from worker.protocol import failures
from worker.protocol.messages import (
    Checkpointed,
    Computed,
    EpochEnded,
    Failed,
    FinishTraining,
    FromChild,
    SaveCheckpoint,
)
from worker.protocol.tasks import Task
from worker.supervisor.launch import launch
from worker.supervisor.lease import Lease
from worker.supervisor.options import Options
from worker.supervisor.pipe import Pipe
from worker.supervisor.recorder import FINAL, Recorder, make_job_error
from worker.supervisor.time_limit import find_deadline_error
from worker.training import supervisor_link

log = logging.getLogger(__name__)


class Attempt:
    """One training process for one job; only the supervisor writes to the database."""

    def __init__(
        self,
        claim: Claim,
        lease: Lease,
        recorder: Recorder,
        database: Database,
        options: Options,
        stopping: threading.Event,
    ) -> None:
        """Starts nothing yet.

        Args:
            claim: The claimed job.
            lease: Its lease, which another thread renews.
            recorder: Writes the messages of the process.
            database: The database with the job.
            options: The worker's options.
            stopping: Set when the worker must stop.
        """
        self._claim = claim
        self._lease = lease
        self._recorder = recorder
        self._database = database
        self._options = options
        self._limits = retries.RetryLimits(options.max_attempts, options.max_deaths)
        self._stopping = stopping
        self._unwritten: list[FromChild] = []
        self._save_requested_at: float | None = None
        """Monotonic time at which the last checkpoint was requested."""
        self._is_finish_sent = False
        self._saved = False
        """Whether a checkpoint was written after that request."""

    def run(self, task: Task) -> None:
        """Runs the task until the job has ended or is released.

        Raises:
            LeaseLost: another attempt owns the job; the process is dead.
            StorageFull: its messages could not be recorded; the process is dead.
        """
        process, connection = launch(task)
        pipe = Pipe(connection)
        self._lease.on_renewal = pipe.send
        try:
            while not self._is_over(process, pipe):  # waits for a message, the end, or a tick
                self._options.heartbeat.touch()
        finally:
            process.kill()
            process.join()
            pipe.close()

    def _is_over(self, process: ForkServerProcess, pipe: Pipe) -> bool:
        dead = not process.is_alive()  # before receiving: then no more messages can follow
        self._unwritten += pipe.receive(process.sentinel, self._options.tick_seconds)
        self._lease.check()
        try:
            if self._record_messages():
                return True
            if dead:
                self._record_death(process.exitcode or 0)
                return True
        except Busy as busy:  # the store may answer again in time
            log.warning("%s: %s", self._claim.job_id, busy.detail)
        return self._is_released(pipe)

    def _record_messages(self) -> bool:
        """Records all unwritten messages; returns whether the last one was final."""
        if not self._unwritten:
            return False
        last = self._unwritten[-1]
        if isinstance(last, Failed) and last.category == "infrastructure":
            if self._unwritten[:-1]:
                self._recorder.record(self._unwritten[:-1])
            self._retry(last)
        else:
            self._recorder.record(self._unwritten)
        requested = self._save_requested_at is not None
        self._saved |= requested and any(map(_is_checkpoint, self._unwritten))
        self._unwritten = []
        return isinstance(last, FINAL)

    def _retry(self, failed: Failed) -> None:
        """Queues the job again after an infrastructure failure, or fails it after too many."""
        with self._database.write() as connection:
            if failed.type == failures.STORAGE_FULL:
                retries.retry_later(connection, self._claim, failed.title)
            else:
                retries.retry_or_fail(
                    connection, self._claim, failed.title, make_job_error(failed), self._limits
                )

    def _record_death(self, exit_code: int) -> None:
        """Handles a process that sent no final message: it died or lost its lease."""
        with self._database.write() as connection:
            if exit_code == supervisor_link.EXIT_CODE:
                leases.hand_back(connection, self._claim, "its worker was silent for too long")
                return
            reason = f"the training process {failures.describe_exit(exit_code)}"
            error = failures.make_death_error(exit_code, self._options.memory_bytes)
            retries.retry_or_fail(connection, self._claim, reason, error, self._limits, died=True)

    def _is_released(self, pipe: Pipe) -> bool:
        """Handles cancel, timeout, pause and shutdown; returns whether the job is released."""
        try:
            self._pass_finish_on(pipe)
            return self._is_ended() or self._is_handed_back(pipe)
        except Busy as busy:
            log.warning("%s: %s", self._claim.job_id, busy.detail)
            return self._is_late()  # the lease then runs out by itself

    def _pass_finish_on(self, pipe: Pipe) -> None:
        """Tells the process once that its training is to end and to keep what it has."""
        if self._lease.is_finish_asked and not self._is_finish_sent:
            self._is_finish_sent = True
            pipe.send(FinishTraining())

    def _is_ended(self) -> bool:
        """Ends a job that is cancelled or past a time limit; returns whether it did."""
        cancelled = self._lease.state is JobState.CANCELLING
        error = find_deadline_error(self._claim, self._options.max_job_seconds)
        if not cancelled and error is None:
            return False
        with self._database.write() as connection:
            if cancelled or error is None:
                attempts.cancel(connection, self._claim)
            else:
                attempts.fail(connection, self._claim, error)
        return True

    def _is_handed_back(self, pipe: Pipe) -> bool:
        """On a pause or shutdown, requests a checkpoint and releases the job once it is written."""
        if not (self._stopping.is_set() or self._lease.state is JobState.PAUSING):
            return False
        if self._save_requested_at is None:
            self._save_requested_at = time.monotonic()
            pipe.send(SaveCheckpoint())
        if not (self._saved or self._is_late()):
            return False
        with self._database.write() as connection:
            leases.hand_back(connection, self._claim, "its worker was stopped")
        return True

    def _is_late(self) -> bool:
        """Returns whether the wait of a stopping worker is over; a pause has no time limit."""
        if self._save_requested_at is None or not self._stopping.is_set():
            return False
        return time.monotonic() - self._save_requested_at > self._options.save_seconds


def _is_checkpoint(message: FromChild) -> bool:
    """Returns whether a message answers a request for a checkpoint.

    A `Checkpointed` without a file does: nothing has changed since the last checkpoint.
    """
    if isinstance(message, EpochEnded):
        return message.checkpoint is not None
    return isinstance(message, Checkpointed | Computed)
