"""The time of a sweep of 50 tiny trials, against as many cold scripts.

The service runs on SQLite with two workers. Both sides train the same model with other learning
rates; a few scripts are run, and their median counts 50 times. The goal is at most 0.15.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.cold_script import ColdScript
from benchmarks.table import show
from benchmarks.tiny_jobs import GRAPH, SCRIPT, make_data
from tests.support.service import Service, until

GOAL = 0.15
TRIALS = 50
SCRIPTS = 5
RATE = "/compile/optimizer/config/learning_rate"


def measure_sweep(service: Service, dataset: str, trials: int, seed: int) -> float:
    """Return the seconds from the POST of a sweep until it has succeeded."""
    body = {
        "request": {
            "graph": GRAPH,
            "dataset": dataset,
            "compile": {"loss": "mse", "optimizer": {"type": "Adam"}},
        },
        "space": {RATE: {"low": 1e-4, "high": 0.1, "log": True}},
        "objective": {"metric": "loss", "direction": "minimize"},
        **{"trials": trials, "parallel": 4, "seed": seed},
    }
    began = time.perf_counter()
    answer = service.client.post("/v1/sweeps", json=body)
    assert answer.status_code == 202, answer.text
    address = answer.headers["location"]

    def find_end() -> dict[str, Any] | None:
        sweep: dict[str, Any] = service.client.get(address).json()
        return sweep if sweep["is_terminal"] else None

    ended = until(find_end, "the end of the sweep", 600)
    assert ended["trials"]["succeeded"] == trials, ended
    return time.perf_counter() - began


def main() -> None:
    """Print the table and one line of JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = ColdScript(folder, SCRIPT, make_data())
        service = Service(folder / "data", 2)
        try:
            dataset = service.dataset(make_data())
            measure_sweep(service, dataset, 4, seed=1)  # the first run reads from a cold disk
            script.measure()
            before = [script.measure() for _ in range(SCRIPTS // 2 + 1)]
            swept = measure_sweep(service, dataset, TRIALS, seed=2)
            after = [script.measure() for _ in range(SCRIPTS // 2)]
        finally:
            service.stop()
    cold = TRIALS * statistics.median([*before, *after])
    rows = [
        (f"sweep of {TRIALS} trials, seconds", swept),
        (f"{TRIALS} cold scripts, seconds", cold),
    ]
    show("sweep", rows)
    print(json.dumps({"sweep": {"ratio": round(swept / cold, 3), "goal": GOAL}}))


if __name__ == "__main__":
    main()
