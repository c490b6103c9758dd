"""The supervisor's end of the pipe to a training process."""

from contextlib import suppress
from multiprocessing.connection import Connection, wait
from threading import Lock

from worker.protocol.messages import FromChild, FromSupervisor

MOST_MESSAGES = 1_000
"""Messages that one call of `receive` returns at most."""


class Pipe:
    """Any thread may send; one thread receives."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = Lock()

    def send(self, message: FromSupervisor) -> None:
        """Sends a message; does nothing if the process has ended."""
        with self._sending, suppress(OSError):
            self._connection.send(message)

    def receive(self, sentinel: int, seconds: float) -> list[FromChild]:
        """Waits for messages and returns those that have arrived, at most `MOST_MESSAGES`.

        Args:
            sentinel: The sentinel of the process.
            seconds: How long to wait for a first message or the end of the process.
        """
        wait([self._connection, sentinel], timeout=seconds)
        messages: list[FromChild] = []
        try:
            while len(messages) < MOST_MESSAGES and self._connection.poll():
                messages.append(self._connection.recv())
        except (EOFError, OSError):
            pass  # the other end is closed: the process is ending, which its sentinel shows
        return messages

    def close(self) -> None:
        """Closes the pipe, which ends the process."""
        self._connection.close()
