"""Ties a training process to its supervisor and its lease: it dies with either of them."""

import os
import time
from multiprocessing.connection import Connection
from threading import Event, Thread
from typing import NoReturn

from worker.protocol.messages import FromChild, FromSupervisor, Renewed

REST_SECONDS = 0.1
EXIT_CODE = 75
"""EX_TEMPFAIL: the job is somebody else's now, nothing is wrong with it."""


class Lifeline:
    """The child's end of the pipe, and what it knows of the lease."""

    def __init__(self, connection: Connection, lease_seconds: float, leased_at: float) -> None:
        self._connection = connection
        self._lease_seconds = lease_seconds
        self._ends_at = leased_at + lease_seconds
        self._save = Event()

    def start(self) -> None:
        """Listen to the supervisor in a daemon thread."""
        Thread(target=self._listen, name="lifeline", daemon=True).start()

    def check(self) -> None:
        """End this process at once unless the lease still holds.

        A process that was stopped may come here before its listener wakes up.
        """
        if time.monotonic() >= self._ends_at:
            os._exit(EXIT_CODE)

    def send(self, message: FromChild) -> None:
        """Tell the supervisor; without one this process ends."""
        try:
            self._connection.send(message)
        except OSError:
            os._exit(EXIT_CODE)

    def is_save_asked(self) -> bool:
        """Whether the supervisor has asked for a checkpoint since the last look."""
        asked = self._save.is_set()
        if asked:
            self._save.clear()  # what is asked meanwhile is answered by the same checkpoint
        return asked

    def rest(self) -> NoReturn:
        """Wait for the end, which the supervisor brings, or that of the lease.

        What is done after a checkpoint that was asked for to end with is done in vain.
        """
        while True:
            self.check()
            time.sleep(REST_SECONDS)

    def _listen(self) -> None:
        while True:
            self.check()
            try:
                if self._connection.poll(self._ends_at - time.monotonic()):
                    self._heed(self._connection.recv())
            except (EOFError, OSError):
                os._exit(EXIT_CODE)

    def _heed(self, message: FromSupervisor) -> None:
        if isinstance(message, Renewed):
            self._ends_at = max(self._ends_at, message.at + self._lease_seconds)
        else:
            self._save.set()
