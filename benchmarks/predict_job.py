"""A predict job of a million rows, against `model.predict` on an array in memory.

The job reads the rows from the files of a dataset, and writes the outputs, with statistics and
hashes, as the files of another one. Its time is that of the whole process of the job, from its
start to its last message. The yardstick is `model.predict(batch_size=1024)` of the same model in
another process, with the rows in memory, and its first call, which traces. The goal is 0.8 of its
rows a second.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import show
from tests.worker.child import in_child
from tests.worker.inference_tasks import InferenceJobs, run
from tests.worker.training_tasks import DENSE, Jobs

GOAL = 0.8
ROWS = 1_000_000
BATCH_SIZE = 1024


def measure_job(inference: InferenceJobs, rows: Any) -> float:
    """Return the seconds of one job."""
    task = inference.predict({"x": rows}, batch_size=BATCH_SIZE)
    began = time.perf_counter()
    run(task)
    return time.perf_counter() - began


def measure_keras(file: str, path: str) -> float:
    """Return the seconds of `predict`, without the start of the process and the reading."""
    import keras

    model, rows = keras.models.load_model(file), np.load(path)
    began = time.perf_counter()
    model.predict(rows, batch_size=BATCH_SIZE, verbose=0)
    return time.perf_counter() - began


def main(count: int = ROWS, rounds: int = 3) -> None:
    """Print the table and one line of JSON."""
    with tempfile.TemporaryDirectory() as folder:
        inference = InferenceJobs(Jobs(Path(folder)), DENSE)
        rows = np.random.default_rng(0).random((count, 64), np.float32)
        path = Path(folder) / "rows.npy"
        np.save(path, rows)
        ours, keras = [], []
        for _ in range(rounds):
            ours.append(measure_job(inference, rows))
            keras.append(in_child(measure_keras, str(inference.file), str(path)))
    job, yardstick = statistics.median(ours), statistics.median(keras)
    lines = [("predict job, s", job), ("model.predict, s", yardstick)]
    show(f"Outputs of {count:,} rows", [*lines, ("rows a second, ratio", yardstick / job)])
    result = {"rows_per_second_ratio": round(yardstick / job, 2), "goal": GOAL}
    print(json.dumps({"predict_job": result}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
