"""Ties a training process to its supervisor and its lease: it dies with either of them."""

import os
import time
from multiprocessing.connection import Connection
from threading import Thread

from worker.messages import FromChild, Renewed

EXIT_CODE = 75
"""EX_TEMPFAIL: the job is somebody else's now, nothing is wrong with it."""


class Lifeline:
    """The child's end of the pipe, and what it knows of the lease."""

    def __init__(self, connection: Connection, lease_seconds: float, leased_at: float) -> None:
        self._connection = connection
        self._lease_seconds = lease_seconds
        self._ends_at = leased_at + lease_seconds

    def start(self) -> None:
        """Listen for renewals in a daemon thread."""
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

    def _listen(self) -> None:
        while True:
            self.check()
            try:
                if self._connection.poll(self._ends_at - time.monotonic()):
                    self._renew(self._connection.recv())
            except (EOFError, OSError):
                os._exit(EXIT_CODE)

    def _renew(self, renewed: Renewed) -> None:
        self._ends_at = max(self._ends_at, renewed.at + self._lease_seconds)
