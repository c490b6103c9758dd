"""The wines of `wine.csv` as columns, and a job that trains a model with three inputs on them.

Each row is a wine: 13 measurements, and the cultivar (0, 1 or 2) that the wine was made from.
"""

import csv
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("wine.csv")
INPUTS = {
    "composition": ("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "proline"),
    "phenols": ("total_phenols", "flavanoids", "nonflavanoid_phenols", "proanthocyanins"),
    "color": ("color_intensity", "hue", "od280_od315"),
}
"""The measurements of each input of the model."""
EVERY = 5
"""One of this many wines is for validation."""
EPOCHS = 40
Columns = dict[str, list[Any]]


def read_wines() -> tuple[Columns, Columns]:
    """Returns the columns for training and those for validation."""
    with FILE.open(newline="") as file:
        wines = list(csv.DictReader(file))
    training = [wine for number, wine in enumerate(wines) if number % EVERY != 0]
    return _make_columns(training), _make_columns(wines[::EVERY])


def _make_columns(wines: list[dict[str, str]]) -> Columns:
    columns: Columns = {
        name: [[float(wine[part]) for part in parts] for wine in wines]
        for name, parts in INPUTS.items()
    }
    return {**columns, "cultivar": [int(wine["cultivar"]) for wine in wines]}


def make_graph() -> dict[str, Any]:
    """Returns a graph that normalizes each input, and joins what it finds in them."""
    nodes = [node for name in INPUTS for node in _make_branch(name)]
    joined = [f"{name}_features" for name in INPUTS]
    return {
        "inputs": [{"name": name, "shape": [len(parts)]} for name, parts in INPUTS.items()],
        "nodes": [
            *nodes,
            {"name": "wine", "layer": {"type": "Concatenate"}, "inputs": joined},
            _make_dense("cultivar", 3, "softmax", "wine"),
        ],
        "outputs": ["cultivar"],
    }


def _make_branch(name: str) -> list[dict[str, Any]]:
    layer = {"type": "BatchNormalization", "config": {"momentum": 0.9}}
    return [
        {"name": f"{name}_normal", "layer": layer, "inputs": name},
        _make_dense(f"{name}_features", 8, "relu", f"{name}_normal"),
    ]


def _make_dense(name: str, units: int, activation: str, inputs: str) -> dict[str, Any]:
    layer = {"type": "Dense", "config": {"units": units, "activation": activation}}
    return {"name": name, "layer": layer, "inputs": inputs}


def make_job(graph: str, dataset: str, validation_dataset: str) -> dict[str, Any]:
    """Returns the request for a job.

    Args:
        graph: The id of the graph.
        dataset: The id of the dataset for training.
        validation_dataset: The id of the dataset for validation.
    """
    return {
        "name": "wine",
        "graph": graph,
        "dataset": dataset,
        "validation_dataset": validation_dataset,
        "compile": {
            "optimizer": {"type": "Adam", "config": {"learning_rate": 0.01}},
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
        "fit": {"epochs": EPOCHS, "batch_size": 16},
        "seed": 7,
    }
