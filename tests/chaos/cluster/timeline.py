"""What happened when, in seconds since the storm was prepared."""

import sys
import threading
import time
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Moment:
    """One thing that happened."""

    at: float
    what: str

    def __str__(self) -> str:
        return f"{self.at:8.2f} s  {self.what}"


class Timeline:
    """By the machine's wall clock, which the service's own times are of too."""

    def __init__(self, *, aloud: bool) -> None:
        self._began = time.time()
        self._aloud = aloud
        self._guard = threading.Lock()
        self.moments: list[Moment] = []

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.time() - self._began

    def seconds_of(self, iso: str) -> float:
        """When that was which an answer gives as a time of day."""
        return datetime.fromisoformat(iso).timestamp() - self._began

    def say(self, what: str) -> None:
        """It happens now."""
        with self._guard:
            moment = Moment(self.now(), what)
            self.moments.append(moment)
            if self._aloud:
                sys.stdout.write(f"{moment}\n")
                sys.stdout.flush()

    def between(self, since: float, until: float) -> list[Moment]:
        """What happened in that time."""
        with self._guard:
            return [moment for moment in self.moments if since <= moment.at <= until]
