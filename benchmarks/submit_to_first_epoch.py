"""Submit to the end of the first epoch, against the user's own cold script.

One round is both sides in turn: a script started from nothing (`python train.py`: imports,
builds, fits one epoch), and a job posted to a service that is up, until its history shows
the first epoch. The ratio of the medians counts; the goal is 0.35 or less.
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
from examples.client import Graphfit
from tests.support.service import Service, until

ROWS = 2_000
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


def data() -> dict[str, Any]:
    """Pictures and classes for model 1."""
    draw = np.random.default_rng(1)
    digits = np.eye(10, dtype="float32")[draw.integers(0, 10, ROWS)]
    return {"picture": draw.random((ROWS, 784), dtype="float32"), "digit": digits}


def cold_script(folder: Path) -> float:
    """Seconds of a whole `python train.py`."""
    began = time.perf_counter()
    command = [sys.executable, str(folder / "train.py"), str(folder / "data.npz")]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def first_epoch(client: Graphfit, request: dict[str, Any]) -> float:
    """Seconds from the POST of a job until its first epoch is in the history."""
    began = time.perf_counter()
    job = client.call("POST", "/v1/jobs", request)

    def looking() -> float | None:
        epochs = client.call("GET", f"/v1/jobs/{job['id']}/history")["epochs"]
        return time.perf_counter() - began if epochs else None

    seconds = until(looking, "the first epoch")
    client.finished(job["id"])
    return seconds


def main(rounds: int = 7) -> None:
    """Prints the table and one line of JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "train.py").write_text(SCRIPT)
        np.savez(folder / "data.npz", **data())
        service = Service(folder / "data")
        try:
            client = Graphfit(service.address)
            request = _request(service, folder / "data.npz")
            first_epoch(client, request)  # neither side pays for cold disks
            cold_script(folder)
            pairs = [(first_epoch(client, request), cold_script(folder)) for _ in range(rounds)]
        finally:
            service.stop()
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    show("submit to first epoch", [("service, seconds", ours), ("cold script, seconds", theirs)])
    print(json.dumps({"submit_to_first_epoch": {"ratio": round(ours / theirs, 3), "goal": 0.35}}))


def _request(service: Service, archive: Path) -> dict[str, Any]:
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
