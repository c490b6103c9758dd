"""Calls Optuna in a process that starts with the first sweep and ends with the last one."""

import threading
from collections.abc import Mapping
from typing import Any

from application.prediction.process import Call, WarmProcess
from application.settings import Settings
from domain.sweeps.study import Study, Verdict

MODULE = "application.sweeps.study"
"""Imports Optuna, which this process never does."""
NICENESS = 0


class Optimizer:
    """Suggests, prunes and explains trials. Its calls run one after the other."""

    def __init__(self, settings: Settings) -> None:
        """Starts no process yet."""
        limits = settings.check_seconds, settings.check_memory_bytes
        self._process = WarmProcess(*limits, NICENESS)
        self._lock = threading.Lock()

    def suggest(self, study: Study) -> dict[str, int | float]:
        """Returns the suggested parameters of the next trial.

        Raises:
            Busy: The process was killed.
            Unfinished: It took too much time or memory.
        """
        suggested: dict[str, int | float] = self._call("suggest", study)
        return suggested

    def judge(self, study: Study, number: int, values: Mapping[int, float]) -> Verdict:
        """Returns what the pruner says of new epochs of a trial; raises as `suggest` does."""
        verdict: Verdict = self._call("judge", study, number, values)
        return verdict

    def compute_importances(self, study: Study) -> dict[str, float] | None:
        """Returns the importances of the parameters; raises as `suggest` does."""
        found: dict[str, float] | None = self._call("compute_importances", study)
        return found

    def _call(self, name: str, *arguments: Any) -> Any:
        with self._lock:
            return self._process.call(Call(f"{MODULE}.{name}", arguments)).value

    def rest(self) -> None:
        """Ends the process; the next call starts another."""
        with self._lock:
            self._process.kill()
