"""The supervisor's end of a training process's pipe."""

from contextlib import suppress
from multiprocessing.connection import Connection, wait
from threading import Lock

from worker.protocol.messages import FromChild, FromSupervisor

MOST_MESSAGES = 1_000


class Line:
    """Any thread may speak, one listens."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._speaking = Lock()

    def tell(self, message: FromSupervisor) -> None:
        """Says something to a process that may be ending."""
        with self._speaking, suppress(OSError):
            self._connection.send(message)

    def received(self, sentinel: int, seconds: float) -> list[FromChild]:
        """All that the process has said by now, up to a bound.

        Args:
            sentinel: Of the process.
            seconds: Waits so long for a first word, or for its end.
        """
        wait([self._connection, sentinel], timeout=seconds)
        messages: list[FromChild] = []
        try:
            while len(messages) < MOST_MESSAGES and self._connection.poll():
                messages.append(self._connection.recv())
        except (EOFError, OSError):
            pass  # its end is closed: the process is ending, which its sentinel tells
        return messages

    def close(self) -> None:
        """Hangs up, which ends the process."""
        self._connection.close()
