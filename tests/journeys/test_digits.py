"""Trains on real data: scikit-learn's handwritten digits."""

import numpy as np
from sklearn.datasets import load_digits

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
