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
    feed: dict[str, Any] = field(default_factory=dict)
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
            "feed": self.feed,
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


def make_texts() -> Workload:
    """Texts, classes and missing values: the training learns what prepares them."""
    draw = np.random.default_rng(6)
    words = [f"word{i}" for i in range(300)]
    texts = [" ".join(draw.choice(words, 12)) for _ in range(400)]
    ages = [None if draw.random() < 0.1 else int(draw.integers(18, 90)) for _ in texts]
    graph = {
        "inputs": [
            {"name": "text", "shape": [], "dtype": "string"},
            {"name": "age", "shape": [1]},
        ],
        "nodes": [
            _node("tokens", "TextVectorization", "text", max_tokens=200, output_sequence_length=12),
            _node("vectors", "Embedding", "tokens", input_dim=200, output_dim=8),
            _node("mean", "GlobalAveragePooling1D", "vectors"),
            _node("years", "Normalization", "age"),
            _node("both", "Concatenate", ["mean", "years"]),
            _node("dropped", "Dropout", "both", rate=0.2),
            _node("mood", "Dense", "dropped", units=1, activation="sigmoid"),
        ],
        "outputs": ["mood"],
    }
    return Workload(
        name="texts, classes and missing values",
        graph=graph,
        columns={
            "text": texts,
            "age": ages,
            "mood": ["good" if "word1 " in text else "bad" for text in texts],
        },
        compile={"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"]},
        fit={"epochs": 30, "batch_size": 4},
        feed={"missing": {"age": "mean"}},
        predict_body={
            "instances": [
                {"text": text, "age": age}
                for text, age in zip(texts[:3], (20, None, 70), strict=True)
            ]
        },
    )


def make_averaged() -> Workload:
    """Averages, accumulated gradients, a table of rates, a frozen layer, and kept checkpoints."""
    x = _random_rows(600, 10, seed=7)
    graph = {
        "inputs": [{"name": "x", "shape": [10]}],
        "nodes": [
            _node("still", "Dense", "x", units=16, activation="tanh"),
            _node("dropped", "Dropout", "still", rate=0.2),
            _node("wide", "Dense", "dropped", units=16, activation="relu"),
            _node("y", "Dense", "wide", units=1),
        ],
        "outputs": ["y"],
    }
    early = {"monitor": "val_loss", "patience": 99, "restore_best_weights": True}
    return Workload(
        name="averages, accumulation and checkpoints",
        graph=graph,
        columns={"x": x.tolist(), "y": x.sum(axis=1).round(3).tolist()},
        compile={
            "optimizer": {"type": "Adam", "config": {"use_ema": True, "ema_momentum": 0.9}},
            "loss": "mse",
        },
        fit={
            "epochs": 40,
            "batch_size": 4,
            "validation_split": 0.2,
            "validation_freq": 2,
            "accumulate": 3,
            "freeze": ["still"],
            "checkpoints": {"every": 5, "keep": 3, "best": "val_loss"},
            "callbacks": [
                {"type": "LearningRateSchedule", "config": {"rates": {"1": 0.01, "20": 0.001}}},
                {"type": "SwapEMAWeights", "config": {"swap_on_epoch": True}},
                {"type": "EarlyStopping", "config": early},
            ],
        },
        predict_body={"instances": x[:3].tolist()},
    )


WORKLOADS = (
    make_dense(),
    make_words(),
    make_shared(),
    make_normalized(),
    make_texts(),
    make_averaged(),
)
