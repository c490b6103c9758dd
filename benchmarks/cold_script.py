"""Compares a job on a running service with a user's own Keras script, started from nothing."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import show


class ColdScript:
    """A Keras script and its data, as files in a folder.

    The script gets two arguments: the path of the data, and a path for the model.
    """

    def __init__(self, folder: Path, source: str, arrays: Mapping[str, Any]) -> None:
        script, self.archive = folder / "train.py", folder / "data.npz"
        script.write_text(source)
        np.savez(self.archive, **arrays)
        paths = (script, self.archive, folder / "model.keras")
        self._command = [sys.executable, *map(str, paths)]

    def measure(self) -> float:
        """Run the whole script, and return its seconds."""
        began = time.perf_counter()
        subprocess.run(self._command, check=True, capture_output=True)
        return time.perf_counter() - began


def compare(
    name: str, goal: float, measure_job: Callable[[], float], script: ColdScript, rounds: int
) -> None:
    """Measure jobs and scripts in turn, and print a table and one line of JSON.

    Args:
        name: The name of the benchmark.
        goal: The largest ratio of the medians, jobs to scripts, that is good enough.
        measure_job: Runs one job and returns its seconds.
        script: The script.
        rounds: Number of jobs and of scripts that count.
    """
    measure_job()  # the first run of each side reads from a cold disk and does not count
    script.measure()
    pairs = [(measure_job(), script.measure()) for _ in range(rounds)]
    job, cold = (statistics.median(side) for side in zip(*pairs, strict=True))
    show(name.replace("_", " "), [("job, seconds", job), ("cold script, seconds", cold)])
    print(json.dumps({name: {"ratio": round(job / cold, 3), "goal": goal}}))
