"""Watches one training process: what it says, what is asked of its job, and how it ends."""

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
from worker.protocol.messages import Checkpointed, EpochEnded, Failed, FromChild, Save
from worker.protocol.training_order import Order
from worker.supervisor.journal import LAST_WORDS, Journal, error_of
from worker.supervisor.launch import launch
from worker.supervisor.lease import Lease
from worker.supervisor.options import Rules
from worker.supervisor.pipe import Line
from worker.training import supervisor_link

log = logging.getLogger(__name__)


class Attempt:
    """One process at work on one job; only this side writes to the database."""

    def __init__(
        self,
        claim: Claim,
        lease: Lease,
        journal: Journal,
        database: Database,
        rules: Rules,
        stopping: threading.Event,
    ) -> None:
        self._claim = claim
        self._lease = lease
        self._journal = journal
        self._database = database
        self._rules = rules
        self._most = retries.Most(rules.max_attempts, rules.max_deaths)
        self._stopping = stopping
        self._unwritten: list[FromChild] = []
        self._asked: float | None = None
        """When a checkpoint was asked for to end with."""
        self._saved = False
        """One was written since."""

    def run(self, order: Order) -> None:
        """Until the job has ended or is handed back.

        Raises:
            LeaseLost: another attempt owns the job; the process is dead.
            StorageFull: what it said could not be kept; the process is dead.
        """
        process, connection = launch(order)
        line = Line(connection)
        self._lease.tell = line.tell
        try:
            while not self._is_over(process, line):
                self._rules.pulse.beat()  # `_is_over` waits for a word, an end, or a tick
        finally:
            process.kill()
            process.join()
            line.close()

    def _is_over(self, process: ForkServerProcess, line: Line) -> bool:
        dead = not process.is_alive()  # before listening: then nothing more can come
        self._unwritten += line.received(process.sentinel, self._rules.tick_seconds)
        self._lease.check()
        try:
            last_word = self._written()
            if last_word:
                return True
            if dead:
                self._died(process.exitcode or 0)
                return True
        except Busy as busy:  # a store that is away may come back in time
            log.warning("%s: %s", self._claim.job_id, busy.detail)
        return self._is_let_go(line)

    def _written(self) -> bool:
        """Brings the journal up to date; gives whether its last word is in it."""
        if not self._unwritten:
            return False
        last = self._unwritten[-1]
        if isinstance(last, Failed) and last.category == "infrastructure":
            if self._unwritten[:-1]:
                self._journal.write(self._unwritten[:-1])
            self._broke_off(last)
        else:
            self._journal.write(self._unwritten)
        self._saved |= self._asked is not None and any(map(_is_checkpoint, self._unwritten))
        self._unwritten = []
        return isinstance(last, LAST_WORDS)

    def _broke_off(self, failed: Failed) -> None:
        with self._database.write() as connection:
            if failed.type == failures.STORAGE_FULL:
                retries.set_back(connection, self._claim, failed.title)
            else:
                retries.lose(connection, self._claim, failed.title, error_of(failed), self._most)

    def _died(self, exit_code: int) -> None:
        """The process ended without a last word: killed, crashed, or its lease ran out."""
        with self._database.write() as connection:
            if exit_code == supervisor_link.EXIT_CODE:
                leases.hand_back(connection, self._claim, "its worker was silent for too long")
                return
            reason = f"the training process {failures.ended(exit_code)}"
            error = failures.killed(exit_code, self._rules.memory_bytes)
            retries.lose(connection, self._claim, reason, error, self._most, died=True)

    def _is_let_go(self, line: Line) -> bool:
        """Does what is asked of the job; gives whether it is somebody else's now."""
        try:
            return self._is_ended() or self._is_handed_back(line)
        except Busy as busy:
            log.warning("%s: %s", self._claim.job_id, busy.detail)
            return self._is_late()  # the lease runs out by itself

    def _is_ended(self) -> bool:
        left = self._claim.seconds_left
        cancelled = self._lease.state is JobState.CANCELLING
        if not cancelled and (left is None or time.monotonic() - self._lease.began <= left):
            return False
        with self._database.write() as connection:
            if cancelled:
                attempts.cancelled(connection, self._claim)
            else:
                attempts.failed(connection, self._claim, failures.too_long())
        return True

    def _is_handed_back(self, line: Line) -> bool:
        """Where the job or its worker is to rest: with a checkpoint, if one comes in time."""
        if not (self._stopping.is_set() or self._lease.state is JobState.PAUSING):
            return False
        if self._asked is None:
            self._asked = time.monotonic()
            line.tell(Save())
        if not (self._saved or self._is_late()):
            return False
        with self._database.write() as connection:
            leases.hand_back(connection, self._claim, "its worker was stopped")
        return True

    def _is_late(self) -> bool:
        """Whether a worker that is to stop has waited long enough; a pause may take its time."""
        if self._asked is None or not self._stopping.is_set():
            return False
        return time.monotonic() - self._asked > self._rules.save_seconds


def _is_checkpoint(message: FromChild) -> bool:
    """Answers a request for one; a training where nothing has happened since writes no file."""
    if isinstance(message, EpochEnded):
        return message.checkpoint is not None
    return isinstance(message, Checkpointed)
