"""Trains on real data: scikit-learn's handwritten digits."""

from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from tests.journeys.test_datasets import make_digits
from tests.support.service import Service


def test_a_dense_net_with_two_outputs_learns_the_digits(service: Service) -> None:
    pictures, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(digits))
    pictures, digits = pictures[order] / 16, digits[order]
    dataset = service.dataset({"picture": pictures, "digit": digits, "odd": digits % 2})

    def dense(name: str, units: int, activation: str, inputs: str) -> dict[str, object]:
        config = {"units": units, "activation": activation}
        return {"name": name, "layer": {"type": "Dense", "config": config}, "inputs": inputs}

    job = service.trained(
        graph={
            "inputs": [{"name": "picture", "shape": [64]}],
            "nodes": [
                dense("hidden", 128, "relu", "picture"),
                dense("digit", 10, "softmax", "hidden"),
                dense("odd", 1, "sigmoid", "hidden"),
            ],
            "outputs": ["digit", "odd"],
        },
        dataset=dataset,
        compile={
            "optimizer": "adam",
            "loss": {"digit": "sparse_categorical_crossentropy", "odd": "binary_crossentropy"},
            "metrics": ["accuracy"],
        },
        fit={"epochs": 20, "batch_size": 32, "validation_split": 0.2},
        seed=7,
    )
    assert job["metrics"]["val_digit_accuracy"] >= 0.95
    assert job["metrics"]["val_odd_accuracy"] >= 0.9


def layer(name: str, kind: str, inputs: str, **config: Any) -> dict[str, Any]:
    return {"name": name, "layer": {"type": kind, "config": config}, "inputs": inputs}


def test_a_convolutional_net_learns_an_archive_of_pictures(service: Service) -> None:
    archive, _, _ = make_digits()
    dataset = service.file_dataset(archive, "application/zip")
    columns = {column["name"]: column for column in dataset["columns"]}
    assert columns["image"]["dtype"] == "uint8"
    assert columns["image"]["shape"] == [8, 8, 1]
    split = {"parts": {"train": 0.8, "test": 0.2}, "seed": 1, "stratify": "label"}
    answer = service.client.post(f"/v1/datasets/{dataset['id']}/split", json=split)
    assert answer.status_code == 201, answer.text
    parts = {name: part["id"] for name, part in answer.json()["parts"].items()}
    job = service.trained(
        graph={
            "inputs": [{"name": "image", "shape": [8, 8, 1], "dtype": "uint8"}],
            "nodes": [
                layer("scaled", "Rescaling", "image", scale=1 / 255),
                layer("edges", "Conv2D", "scaled", filters=16, kernel_size=3, activation="relu"),
                layer("smaller", "MaxPooling2D", "edges"),
                layer("flat", "Flatten", "smaller"),
                layer("label", "Dense", "flat", units=10, activation="softmax"),
            ],
            "outputs": ["label"],
        },
        dataset=parts["train"],
        validation_dataset=parts["test"],
        compile={
            "optimizer": {"type": "Adam", "config": {"learning_rate": 0.005}},
            "loss": "categorical_crossentropy",
            "metrics": ["accuracy"],
        },
        fit={"epochs": 20, "batch_size": 32},
        seed=7,
    )
    assert job["metrics"]["val_accuracy"] >= 0.95
    model = service.client.get(f"/v1/models/{job['model']}").json()
    assert model["signature"]["classes"] == {"label": [str(digit) for digit in range(10)]}
