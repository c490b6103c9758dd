"""The training process's end of the pipe. The process ends with its supervisor or its lease."""

import os
import time
from multiprocessing.connection import Connection
from threading import Event, Thread
from typing import NoReturn

from worker.protocol.messages import (
    FinishTraining,
    FromChild,
    FromSupervisor,
    Renewed,
    SaveCheckpoint,
)

POLL_SECONDS = 0.1
EXIT_CODE = 75
"""Exit status EX_TEMPFAIL: the lease or the supervisor has ended; the job itself did not fail."""


class SupervisorLink:
    """Sends messages to the supervisor and follows the lease."""

    def __init__(self, connection: Connection, lease_seconds: float, leased_at: float) -> None:
        """Receives no messages yet.

        Args:
            connection: This process's end of the pipe.
            lease_seconds: The duration of the lease.
            leased_at: This machine's monotonic clock just before its last renewal.
        """
        self._connection = connection
        self._lease_seconds = lease_seconds
        self._ends_at = leased_at + lease_seconds
        self._save_requested = Event()
        self._finish_requested = Event()

    def start(self) -> None:
        """Starts a daemon thread that receives the supervisor's messages."""
        Thread(target=self._listen, name="supervisor-link", daemon=True).start()

    def check(self) -> None:
        """Ends this process at once unless the lease still lasts.

        A process that was stopped (SIGSTOP) may call this before its listener continues.
        """
        if time.monotonic() >= self._ends_at:
            os._exit(EXIT_CODE)

    def send(self, message: FromChild) -> None:
        """Sends a message; ends this process if the supervisor has ended."""
        try:
            self._connection.send(message)
        except OSError:
            os._exit(EXIT_CODE)

    def take_save_request(self) -> bool:
        """Returns whether the supervisor has requested a checkpoint since the last call."""
        requested = self._save_requested.is_set()
        if requested:
            self._save_requested.clear()  # a request after this gets the same checkpoint
        return requested

    @property
    def is_finish_requested(self) -> bool:
        """Whether the client has asked to end the training and to keep what there is."""
        return self._finish_requested.is_set()

    def wait_for_end(self) -> NoReturn:
        """Waits until the supervisor or the end of the lease ends this process.

        After a requested checkpoint, any further work would be lost.
        """
        while True:
            self.check()
            time.sleep(POLL_SECONDS)

    def _listen(self) -> None:
        while True:
            self.check()
            try:
                if self._connection.poll(self._ends_at - time.monotonic()):
                    self._handle(self._connection.recv())
            except (EOFError, OSError):
                os._exit(EXIT_CODE)

    def _handle(self, message: FromSupervisor) -> None:
        match message:
            case Renewed():
                self._ends_at = max(self._ends_at, message.at + self._lease_seconds)
            case FinishTraining():
                self._finish_requested.set()
            case SaveCheckpoint():
                self._save_requested.set()
