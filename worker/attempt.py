"""Watches one training process: lease, deadline, cancellation, and how it ends."""

import logging
import threading
import time
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess

from domain.errors import Busy, LeaseLost
from domain.job import JobError, JobState
from models_store import attempts, leases
from models_store.claims import Claim
from models_store.database import Database
from worker import endings, lifeline
from worker.journal import LAST_WORDS, Journal
from worker.launch import launch
from worker.messages import Failed, FromChild, Renewed
from worker.order import Order
from worker.renewal import Lease, renewed
from worker.rules import Rules

log = logging.getLogger(__name__)

MOST_MESSAGES = 1_000
DEATHS_UNTIL_FAILED = 2


class Attempt:
    """One process at work on one job; only this side writes to the database."""

    def __init__(
        self,
        claim: Claim,
        order: Order,
        journal: Journal,
        database: Database,
        rules: Rules,
        stopping: threading.Event,
    ) -> None:
        self._claim = claim
        self._order = order
        self._journal = journal
        self._database = database
        self._rules = rules
        self._stopping = stopping
        self._began = self._renewed = order.leased_at
        self._unwritten: list[FromChild] = []

    def run(self) -> None:
        """Until the job has ended or is handed back.

        Raises:
            LeaseLost: another attempt owns the job; the process is dead.
        """
        process, connection = launch(self._order)
        try:
            while not self._is_over(process, connection):
                self._rules.pulse.beat()  # `_is_over` waits for a word, an end, or a tick
        finally:
            process.kill()
            process.join()
            connection.close()

    def _is_over(self, process: ForkServerProcess, connection: Connection) -> bool:
        wait([connection, process.sentinel], timeout=self._rules.tick_seconds)
        dead = not process.is_alive()
        received = _received(connection)
        self._unwritten += received
        last_word = next((m for m in self._unwritten if isinstance(m, LAST_WORDS)), None)
        if not self._written(connection):
            return False
        if last_word is not None:
            return True
        if dead and not received:
            self._died(process.exitcode or 0)
            return True
        return self._tended(connection)

    def _written(self, connection: Connection) -> bool:
        """Whether the journal is up to date: a store that is away may come back in time."""
        if not self._unwritten:
            return True
        lease = Lease(self._renewed)
        tell = partial(_tell, connection)
        try:
            with renewed(self._database, self._claim, self._rules, lease, tell):
                self._write(self._unwritten)
        except Busy as busy:
            self._renewed = lease.at
            self._still_leased(busy)
            return False
        self._renewed = lease.at
        self._unwritten = []
        return True

    def _write(self, messages: list[FromChild]) -> None:
        last = messages[-1]
        if isinstance(last, Failed) and last.category == "infrastructure" and self._may_retry():
            if messages[:-1]:
                self._journal.write(messages[:-1])
            self._hand_back(last.title)
        else:
            self._journal.write(messages)

    def _tended(self, connection: Connection) -> bool:
        """Renews the lease once a tick; gives whether the job was ended over it."""
        now = time.monotonic()
        if now - self._renewed < self._rules.tick_seconds:
            return False
        try:
            return self._renew(connection, now)
        except Busy as busy:
            self._still_leased(busy)
            return False

    def _renew(self, connection: Connection, now: float) -> bool:
        with self._database.write() as store:
            state = leases.renew(store, self._claim, self._rules.lease_seconds)
        self._renewed = now
        if state is JobState.CANCELLING:
            with self._database.write() as store:
                attempts.cancelled(store, self._claim)
            return True
        if self._claim.seconds_left is not None and now - self._began > self._claim.seconds_left:
            self._fail(endings.too_long())
            return True
        if self._stopping.is_set():
            self._hand_back("its worker was stopped")
            return True
        _tell(connection, Renewed(at=now))
        return False

    def _still_leased(self, busy: Busy) -> None:
        if time.monotonic() - self._renewed > self._rules.lease_seconds:
            raise LeaseLost(f"The lease of '{self._claim.job_id}' ran out.") from busy
        log.warning("%s: %s", self._claim.job_id, busy.detail)

    def _may_retry(self) -> bool:
        return self._claim.attempt < self._rules.max_attempts

    def _died(self, exit_code: int) -> None:
        """The process ended without a last word: killed, crashed, or its lease ran out."""
        if exit_code == lifeline.EXIT_CODE:
            self._hand_back("its worker was silent for too long")
            return
        with self._database.read() as connection:
            before = attempts.deaths(connection, self._claim)
        if before + 1 >= DEATHS_UNTIL_FAILED or not self._may_retry():
            self._fail(endings.killed(exit_code, self._rules.memory_bytes))
        else:
            self._hand_back(f"the training process {endings.ended(exit_code)}", died=True)

    def _fail(self, error: JobError) -> None:
        with self._database.write() as connection:
            attempts.failed(connection, self._claim, error)

    def _hand_back(self, reason: str, *, died: bool = False) -> None:
        with self._database.write() as connection:
            leases.hand_back(connection, self._claim, reason, died=died)


def _received(connection: Connection) -> list[FromChild]:
    """All that the process has said by now, up to a bound."""
    messages: list[FromChild] = []
    try:
        while len(messages) < MOST_MESSAGES and connection.poll():
            messages.append(connection.recv())
    except (EOFError, OSError):
        pass  # its end is closed: the process is ending, which its sentinel tells
    return messages


def _tell(connection: Connection, renewed: Renewed) -> None:
    with suppress(OSError):  # it is ending
        connection.send(renewed)
