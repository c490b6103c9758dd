"""Tiny trainings of several kinds, whose results differ in some bits if a resume is not exact."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Workload:
    """One graph, its data, and the options of its training."""

    name: str
    graph: dict[str, Any]
    columns: Columns
    compile: dict[str, Any]
    fit: dict[str, Any]
    predict_body: dict[str, Any] = field(default_factory=dict)
    """The body of the prediction request."""

    @property
    def epochs(self) -> int:
        """The number of epochs of one training."""
        count: int = self.fit["epochs"]
        return count

    def request(self, dataset: str, seed: int) -> dict[str, Any]:
        """The body of `POST /v1/jobs`."""
        return {
            "graph": self.graph,
            "dataset": dataset,
            "compile": self.compile,
            "fit": self.fit,
            "seed": seed,
        }


def _node(name: str, layer: str | dict[str, Any], inputs: Any, **config: Any) -> dict[str, Any]:
    """A node with a new layer of a type and config, or with a shared layer by name."""
    is_type = isinstance(layer, str) and layer[0].isupper()
    return {
        "name": name,
        "layer": {"type": layer, "config": config} if is_type else layer,
        "inputs": inputs,
    }


def _random_rows(rows: int, width: int, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=(rows, width)).round(3)


def make_dense() -> Workload:
    """Dropout, which draws new random numbers in each step."""
    x = _random_rows(640, 16, seed=1)
    graph = {
        "inputs": [{"name": "x", "shape": [16]}],
        "nodes": [
            _node("wide", "Dense", "x", units=48, activation="relu"),
            _node("dropped", "Dropout", "wide", rate=0.3),
            _node("y", "Dense", "dropped", units=1),
        ],
        "outputs": ["y"],
    }
    return Workload(
        name="dense with dropout",
        graph=graph,
        columns={"x": x.tolist(), "y": x.sum(axis=1).round(3).tolist()},
        compile={"optimizer": "adam", "loss": "mse", "metrics": ["mae"]},
        fit={"epochs": 40, "batch_size": 4},
        predict_body={"instances": x[:3].tolist()},
    )


def make_words() -> Workload:
    """An embedding, a recurrent layer, and a learning rate schedule that counts steps."""
    draw = np.random.default_rng(2)
    text = draw.integers(0, 60, (192, 8))
    schedule = {
        "type": "ExponentialDecay",
        "config": {"initial_learning_rate": 0.01, "decay_steps": 40, "decay_rate": 0.9},
    }
    graph = {
        "inputs": [{"name": "text", "shape": [8], "dtype": "int32"}],
        "nodes": [
            _node("embedded", "Embedding", "text", input_dim=60, output_dim=8),
            _node("read", "LSTM", "embedded", units=8, dropout=0.2),
            _node("label", "Dense", "read", units=1, activation="sigmoid"),
        ],
        "outputs": ["label"],
    }
    return Workload(
        name="embedding and LSTM",
        graph=graph,
        columns={"text": text.tolist(), "label": (text[:, 0] % 2).tolist()},
        compile={
            "optimizer": {"type": "RMSprop", "config": {"learning_rate": schedule}},
            "loss": "binary_crossentropy",
            "metrics": ["accuracy"],
        },
        fit={"epochs": 25, "batch_size": 8},
        predict_body={"instances": text[:3].tolist()},
    )


def make_shared() -> Workload:
    """A layer that two inputs share, and two outputs with a loss each."""
    left, right = _random_rows(512, 6, seed=3), _random_rows(512, 6, seed=4)
    graph = {
        "inputs": [{"name": "left", "shape": [6]}, {"name": "right", "shape": [6]}],
        "layers": {"reader": {"type": "Dense", "config": {"units": 16, "activation": "tanh"}}},
        "nodes": [
            _node("of_left", "reader", "left"),
            _node("of_right", "reader", "right"),
            _node("both", "Concatenate", ["of_left", "of_right"]),
            _node("nearer", "Dense", "both", units=1, activation="sigmoid"),
            _node("apart", "Dense", "both", units=2),
        ],
        "outputs": ["nearer", "apart"],
    }
    return Workload(
        name="shared layer, two inputs and outputs",
        graph=graph,
        columns={
            "left": left.tolist(),
            "right": right.tolist(),
            "nearer": (left[:, 0] > right[:, 0]).astype(int).tolist(),
            "apart": (left - right)[:, :2].round(3).tolist(),
        },
        compile={
            "optimizer": {"type": "Nadam", "config": {"use_ema": True}},
            "loss": {"nearer": "binary_crossentropy", "apart": "mse"},
            "loss_weights": {"nearer": 1.0, "apart": 0.5},
        },
        fit={"epochs": 40, "batch_size": 4},
        predict_body={"inputs": {"left": left[:2].tolist(), "right": right[:2].tolist()}},
    )


def make_normalized() -> Workload:
    """Moving statistics, noise, a validation, and a callback that has state."""
    x = _random_rows(600, 12, seed=5)
    graph = {
        "inputs": [{"name": "x", "shape": [12]}],
        "nodes": [
            _node("wide", "Dense", "x", units=24),
            _node("normal", "BatchNormalization", "wide"),
            _node("noisy", "GaussianNoise", "normal", stddev=0.1),
            _node("kind", "Dense", "noisy", units=3, activation="softmax"),
        ],
        "outputs": ["kind"],
    }
    plateau = {"monitor": "val_loss", "factor": 0.5, "patience": 2, "cooldown": 1}
    return Workload(
        name="BatchNormalization and a plateau",
        graph=graph,
        columns={"x": x.tolist(), "kind": x[:, :3].argmax(axis=1).tolist()},
        compile={
            "optimizer": {"type": "SGD", "config": {"learning_rate": 0.05, "momentum": 0.9}},
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
        fit={
            "epochs": 40,
            "batch_size": 4,
            "validation_split": 0.2,
            "callbacks": [{"type": "ReduceLROnPlateau", "config": plateau}],
        },
        predict_body={"instances": x[:3].tolist()},
    )


WORKLOADS = (make_dense(), make_words(), make_shared(), make_normalized())
