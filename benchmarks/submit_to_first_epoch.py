"""The time from the POST of a job to the end of its first epoch, against a cold script.

One round measures both sides: a job that is posted to a running service, until its history has the
first epoch; and `python train.py`, which imports Keras, builds the same model and fits one epoch.
The ratio of the medians counts; the goal is at most 0.35.
"""

import json
import tempfile
import time
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cold_script import ColdScript, compare
from examples.client import Graphfit
from tests.support.service import Service, until

GOAL = 0.35
ROWS = 2_000
JOBS = count()
EXAMPLE = Path(__file__).parents[1] / "openapi" / "examples" / "dense.json"

SCRIPT = """
import sys
import numpy as np
import keras

data = np.load(sys.argv[1])
keras.utils.set_random_seed(7)
inputs = keras.Input((784,))
x = keras.layers.Dense(64, activation="relu")(inputs)
x = keras.layers.Dense(64, activation="relu")(x)
model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))
model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
model.fit(data["picture"], data["digit"], epochs=1, batch_size=32, verbose=0)
"""


def make_data() -> dict[str, Any]:
    """Make random pictures and classes."""
    draw = np.random.default_rng(1)
    digits = np.eye(10, dtype="float32")[draw.integers(0, 10, ROWS)]
    return {"picture": draw.random((ROWS, 784), dtype="float32"), "digit": digits}


def measure_first_epoch(client: Graphfit, request: dict[str, Any]) -> float:
    """Return the seconds from the POST of a job until its first epoch is in the history.

    The learning rate differs each time, so that the job is checked anew.
    """
    config = {"learning_rate": 0.001 + next(JOBS) * 1e-9}
    optimizer = {"type": "RMSprop", "config": config}
    request = {**request, "compile": {**request["compile"], "optimizer": optimizer}}
    began = time.perf_counter()
    job = client.call("POST", "/v1/jobs", request)

    def find_epoch() -> float | None:
        epochs = client.call("GET", f"/v1/jobs/{job['id']}/history")["epochs"]
        return time.perf_counter() - began if epochs else None

    seconds = until(find_epoch, "the first epoch")
    client.finished(job["id"])
    return seconds


def main(rounds: int = 7) -> None:
    """Print the table and one line of JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = ColdScript(folder, SCRIPT, make_data())
        service = Service(folder / "data")
        try:
            client = Graphfit(service.address)
            request = _make_request(service, script.archive)
            job = partial(measure_first_epoch, client, request)
            compare("submit_to_first_epoch", GOAL, job, script, rounds)
        finally:
            service.stop()


def _make_request(service: Service, archive: Path) -> dict[str, Any]:
    body = json.loads(EXAMPLE.read_text())
    graph = service.client.post("/v1/graphs", json=body["graph"]).json()
    headers = {"Content-Type": "application/x-npz"}
    dataset = service.client.post("/v1/datasets", content=archive.read_bytes(), headers=headers)
    return {
        "graph": graph["id"],
        "dataset": dataset.json()["id"],
        "feed": body["job"]["feed"],
        "compile": body["job"]["compile"],
        "fit": {"epochs": 1, "batch_size": 32},
        "seed": 7,
    }


if __name__ == "__main__":
    main()
