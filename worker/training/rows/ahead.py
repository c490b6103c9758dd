"""Reads the batches of an epoch ahead of the steps that use them."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from worker.training.rows.sources import Array

DEPTH = 2
"""The number of batches that are read ahead."""
Read = Callable[[Array], list[Array]]
"""Returns the values of the examples at some indices."""


class ReadAhead:
    """Reads the next batches in a thread, while the present one is computed."""

    def __init__(self, read: Read) -> None:
        """Starts no thread yet.

        Args:
            read: Reads a batch.
        """
        self._read = read
        self._thread = ThreadPoolExecutor(1, "rows")
        self._coming: Iterator[Array] = iter(())
        self._pending: dict[bytes, Future[list[Array]]] = {}
        self._lock = Lock()

    def follow(self, batches: Iterator[Array]) -> None:
        """Begins to read batches, in place of those that were followed before."""
        with self._lock:
            for future in self._pending.values():
                future.cancel()
            self._pending.clear()
            self._coming = batches
            self._fill()

    def take(self, indices: Array) -> list[Array]:
        """Returns a batch, which was read ahead if it is one of those that are followed."""
        with self._lock:
            future = self._pending.pop(indices.tobytes(), None)
            if future is not None:
                self._fill()
        return self._read(indices) if future is None else future.result()

    def _fill(self) -> None:
        while len(self._pending) < DEPTH and (batch := next(self._coming, None)) is not None:
            self._pending[batch.tobytes()] = self._thread.submit(self._read, batch)
