"""Keeps the results of checks: equal requests have equal results."""

import hashlib
from collections import OrderedDict
from threading import Lock

MOST_BYTES = 16 * 2**20
"""Bytes of all results together; the least recently used are forgotten first."""


def hash_call(function: str, argument: str) -> str:
    """Returns the key of the result of a function that depends on its argument only."""
    return hashlib.sha256(f"{function}\n{argument}".encode()).hexdigest()


class Results:
    """Results as JSON, by the hash of the call."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._results: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def find(self, key: str) -> str | None:
        """Returns the result of an equal call, if it is kept."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def store(self, key: str, result: str) -> None:
        """Keeps a result; forgets others if they take too much memory."""
        with self._lock:
            self._bytes += len(result) - len(self._results.pop(key, ""))
            self._results[key] = result
            while self._bytes > self._most_bytes:
                _, forgotten = self._results.popitem(last=False)
                self._bytes -= len(forgotten)
