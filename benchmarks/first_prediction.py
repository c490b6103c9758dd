"""The first prediction of a model, asked five seconds after its job has succeeded.

The service exports each new model in the background. One round trains a model and waits; then it
asks for a prediction of one row twice. The yardstick is plain Keras in a process that has imported
it: `keras.saving.load_model` of the model's `.keras` file, and `model.predict` of the same row. The
goal is 0.5 s for the first prediction. A second model is asked at once, so that its first
prediction waits for the export.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.table import show
from tests.support.service import Service

GOAL_SECONDS = 0.5
WAIT_SECONDS = 5


def make_dense() -> dict[str, Any]:
    """Return two dense layers."""
    return {
        "inputs": [{"name": "x", "shape": [8]}],
        "nodes": [
            {"name": "h", "layer": {"type": "Dense", "config": {"units": 32}}, "inputs": "x"},
            {"name": "y", "layer": {"type": "Dense", "config": {"units": 3}}, "inputs": "h"},
        ],
        "outputs": ["y"],
    }


def make_recurrent() -> dict[str, Any]:
    """Return an LSTM over ten steps."""
    return {
        "inputs": [{"name": "x", "shape": [10, 4]}],
        "nodes": [
            {"name": "h", "layer": {"type": "LSTM", "config": {"units": 16}}, "inputs": "x"},
            {"name": "y", "layer": {"type": "Dense", "config": {"units": 3}}, "inputs": "h"},
        ],
        "outputs": ["y"],
    }


def make_convolutional() -> dict[str, Any]:
    """Return a small convolutional network."""
    layers = {
        "c": {"type": "Conv2D", "config": {"filters": 8, "kernel_size": 3, "activation": "relu"}},
        "p": {"type": "MaxPooling2D"},
        "f": {"type": "Flatten"},
        "y": {"type": "Dense", "config": {"units": 3}},
    }
    names = list(layers)
    return {
        "inputs": [{"name": "x", "shape": [16, 16, 1]}],
        "nodes": [
            {"name": name, "layer": layer, "inputs": names[i - 1] if i else "x"}
            for i, (name, layer) in enumerate(layers.items())
        ],
        "outputs": ["y"],
    }


def make_keras_only() -> dict[str, Any]:
    """Return a model with an operation that is not known to be equal in ONNX."""
    return {
        "inputs": [{"name": "x", "shape": [8]}],
        "nodes": [
            {"name": "s", "op": "cumsum", "inputs": "x", "config": {"axis": -1}},
            {"name": "y", "layer": {"type": "Dense", "config": {"units": 3}}, "inputs": "s"},
        ],
        "outputs": ["y"],
    }


GRAPHS = {
    "dense": make_dense(),
    "convolutional": make_convolutional(),
    "recurrent": make_recurrent(),
    "predicted by Keras": make_keras_only(),
}


def predict(service: Service, model: str, body: dict[str, Any]) -> float:
    """Return the seconds of one prediction."""
    began = time.perf_counter()
    answer = service.client.post(f"/v1/models/{model}:predict", json=body, timeout=120)
    assert answer.status_code == 200, answer.text
    return time.perf_counter() - began


def measure_ours(service: Service, graph: dict[str, Any]) -> tuple[float, float, float]:
    """Return the seconds of a first and a second prediction after a wait, and of one at once."""
    body = {"instances": np.ones((1, *graph["inputs"][0]["shape"]), int).tolist()}
    waiting = service.trained(kind="build", graph=graph, seed=1)["model"]
    time.sleep(WAIT_SECONDS)
    first, second = predict(service, waiting, body), predict(service, waiting, body)
    asked = service.trained(kind="build", graph=graph, seed=2)["model"]
    return first, second, predict(service, asked, body)


def measure_keras(service: Service, graph: dict[str, Any], folder: Path) -> float:
    """Return the seconds in which Keras loads the model's file and predicts a row."""
    path = folder / "model.keras"
    model = service.trained(kind="build", graph=graph, seed=1)["model"]
    path.write_bytes(service.file(model, "model.keras"))
    shape = graph["inputs"][0]["shape"]
    row = np.ones((1, *shape), np.float32)
    keras.backend.clear_session()
    began = time.perf_counter()
    keras.saving.load_model(path).predict(row, verbose=0)
    return time.perf_counter() - began


def main(rounds: int = 3) -> None:
    """Print a table for each model, and one line of JSON with the slowest."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as scratch:
        service = Service(Path(name))
        try:
            for title, graph in GRAPHS.items():
                measured = [measure_ours(service, graph) for _ in range(rounds)]
                plain = [measure_keras(service, graph, Path(scratch)) for _ in range(rounds)]
                first, second, at_once = map(statistics.median, zip(*measured, strict=True))
                rows = [
                    (f"first, {WAIT_SECONDS} s after the job, seconds", first),
                    ("second, seconds", second),
                    ("first, at once, seconds", at_once),
                    ("plain Keras, load and predict, seconds", statistics.median(plain)),
                    ("first against plain Keras, ratio", first / statistics.median(plain)),
                ]
                show(title, rows)
                figures[title] = round(first, 3)
        finally:
            service.stop()
    slowest = max(figures.values())
    result = {"slowest": slowest, "goal_seconds": GOAL_SECONDS, "seconds": figures}
    print(json.dumps({"first_prediction": result}))


if __name__ == "__main__":
    main()
