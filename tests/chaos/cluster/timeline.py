"""Records what happened when, in seconds since the timeline was made."""

import sys
import threading
import time
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Moment:
    """One entry of a timeline."""

    at: float
    what: str

    def __str__(self) -> str:
        return f"{self.at:8.2f} s  {self.what}"


class Timeline:
    """Entries by the machine's wall clock, which the service uses as well."""

    def __init__(self, *, is_printed: bool) -> None:
        self._began = time.time()
        self._is_printed = is_printed
        self._lock = threading.Lock()
        self.moments: list[Moment] = []

    def now(self) -> float:
        """The present time in seconds."""
        return time.time() - self._began

    def seconds_of(self, iso: str) -> float:
        """The time in seconds of an ISO 8601 time in an answer."""
        return datetime.fromisoformat(iso).timestamp() - self._began

    def add(self, what: str) -> None:
        """Records an entry with the present time."""
        with self._lock:
            moment = Moment(self.now(), what)
            self.moments.append(moment)
            if self._is_printed:
                sys.stdout.write(f"{moment}\n")
                sys.stdout.flush()

    def between(self, since: float, until: float) -> list[Moment]:
        """The entries in a span of time."""
        with self._lock:
            return [moment for moment in self.moments if since <= moment.at <= until]
