"""A training that takes some seconds, for journeys that interrupt it."""

from typing import Any

import numpy as np

from tests.support.service import Service, until

GRAPH = {
    "inputs": [{"name": "x", "shape": [32]}],
    "nodes": [
        {
            "name": "wide",
            "layer": {"type": "Dense", "config": {"units": 256, "activation": "relu"}},
            "inputs": "x",
        },
        {
            "name": "dropped",
            "layer": {"type": "Dropout", "config": {"rate": 0.3}},
            "inputs": "wide",
        },
        {"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "dropped"},
    ],
    "outputs": ["y"],
}
EPOCHS = 60


def long_training_request(service: Service) -> dict[str, Any]:
    """Uploads the dataset and returns the body of the job's request."""
    draw = np.random.default_rng(5)
    x = draw.random((4_000, 32)).round(4)
    return {
        "graph": GRAPH,
        "dataset": service.dataset({"x": x, "y": x.sum(axis=1).round(4)}),
        "compile": {"optimizer": "adam", "loss": "mse"},
        "fit": {"epochs": EPOCHS, "batch_size": 16, "validation_split": 0.1},
        "seed": 7,
    }


def await_mid_training(service: Service, job_id: str) -> None:
    """Waits until some epochs are finished and many remain."""

    def look() -> bool | None:
        job = service.job(job_id)
        assert not job["is_terminal"], "the job ended too early"
        return True if 3 <= job["progress"]["epoch"] < EPOCHS - 10 else None

    until(look, "mid-training")
