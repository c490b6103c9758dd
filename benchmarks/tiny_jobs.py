"""The time from the POST of a tiny job to its success, against a cold script.

The service runs on PostgreSQL, Redis and S3 with one worker, which is warm. One round measures both
sides: a job, until it has succeeded; and `python train.py`, which imports Keras, builds the same
model, fits one epoch and saves. The ratio of the medians counts; the goal is at most 0.15.
"""

import tempfile
import time
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cold_script import ColdScript, compare
from tests.support.production import production
from tests.support.service import Service

GOAL = 0.15
ROWS = 256
JOBS = count()
SCRIPT = """
import sys
import numpy as np
import keras

data = np.load(sys.argv[1])
keras.utils.set_random_seed(7)
inputs = keras.Input((8,))
x = keras.layers.Dense(16, activation="relu")(inputs)
model = keras.Model(inputs, keras.layers.Dense(1)(x))
model.compile("adam", "mse")
model.fit(data["x"], data["y"], epochs=1, batch_size=32, verbose=0)
model.save(sys.argv[2])
"""
GRAPH = {
    "inputs": [{"name": "x", "shape": [8]}],
    "nodes": [
        {
            "name": "hidden",
            "layer": {"type": "Dense", "config": {"units": 16, "activation": "relu"}},
            "inputs": "x",
        },
        {"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "hidden"},
    ],
    "outputs": ["y"],
}


def make_data() -> dict[str, Any]:
    """Make rows of eight random numbers, and their sums."""
    x = np.random.default_rng(1).random((ROWS, 8)).round(4)
    return {"x": x, "y": x.sum(axis=1)}


def measure_job(service: Service, request: dict[str, Any]) -> float:
    """Return the seconds from the POST of a job until it has succeeded.

    The learning rate differs each time, so that the job is checked anew.
    """
    config = {"learning_rate": 0.001 + next(JOBS) * 1e-9}
    optimizer = {"type": "Adam", "config": config}
    request = {**request, "compile": {**request["compile"], "optimizer": optimizer}}
    began = time.perf_counter()
    service.trained(**request)
    return time.perf_counter() - began


def main(rounds: int = 7) -> None:
    """Print the table and one line of JSON."""
    with tempfile.TemporaryDirectory() as name, production(Path(name)) as stores:
        folder = Path(name)
        script = ColdScript(folder, SCRIPT, make_data())
        service = Service(folder / "data", **stores.settings())
        try:
            job = partial(measure_job, service, _make_request(service))
            compare("tiny_jobs", GOAL, job, script, rounds)
        finally:
            service.stop()


def _make_request(service: Service) -> dict[str, Any]:
    return {
        "graph": GRAPH,
        "dataset": service.dataset(make_data()),
        "compile": {"loss": "mse", "optimizer": "adam"},
        "seed": 7,
    }


if __name__ == "__main__":
    main()
