"""Tiny jobs from submit to succeeded, against the user's own cold script.

The service runs on PostgreSQL, Redis and S3 with one worker, which is warm. One round is both
sides in turn: `python train.py`, which builds, fits one epoch and saves, and a job of the same
training, until it shows that it has succeeded. The ratio of the medians counts; the goal is 0.15.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import show
from tests.support.production import production
from tests.support.service import Service

GOAL = 0.15
ROWS = 256
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


def data() -> dict[str, Any]:
    """Eight numbers a row, and their sum."""
    x = np.random.default_rng(1).random((ROWS, 8)).round(4)
    return {"x": x, "y": x.sum(axis=1)}


def cold_script(folder: Path) -> float:
    """Seconds of a whole `python train.py`."""
    names = ("train.py", "data.npz", "model.keras")
    began = time.perf_counter()
    command = [sys.executable, *(str(folder / name) for name in names)]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def tiny_job(service: Service, request: dict[str, Any]) -> float:
    """Seconds from the POST of a job until it shows its success."""
    began = time.perf_counter()
    service.trained(**request)
    return time.perf_counter() - began


def main(rounds: int = 7) -> None:
    """Prints the table and one line of JSON."""
    with tempfile.TemporaryDirectory() as name, production(Path(name)) as stores:
        folder = Path(name)
        (folder / "train.py").write_text(SCRIPT)
        np.savez(folder / "data.npz", **data())
        service = Service(folder / "data", **stores.settings())
        try:
            request = {
                "graph": GRAPH,
                "dataset": service.dataset(data()),
                "compile": {"loss": "mse", "optimizer": "adam"},
                "seed": 7,
            }
            tiny_job(service, request)  # neither side pays for cold disks
            cold_script(folder)
            pairs = [(tiny_job(service, request), cold_script(folder)) for _ in range(rounds)]
        finally:
            service.stop()
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    show("a tiny job, submit to succeeded", [("service, seconds", ours), ("cold script", theirs)])
    print(json.dumps({"tiny_jobs": {"ratio": round(ours / theirs, 3), "goal": GOAL}}))


if __name__ == "__main__":
    main()
