"""The networks of the benchmark of training steps, with random rows for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]
"""Arrays of shape (rows, ...) by the names of inputs, and of the output whose target they are."""


@dataclass(frozen=True)
class Network:
    """A graph with one output, its loss, and a function that draws as many rows as it is told."""

    name: str
    definition: dict[str, Any]
    loss: str
    draw: Callable[[np.random.Generator, int], Arrays]


def node(name: str, layer: str, inputs: Any, **config: Any) -> dict[str, Any]:
    """Return a node that calls a layer of its own."""
    return {"name": name, "layer": {"type": layer, "config": config}, "inputs": inputs}


def graph(inputs: dict[str, Any], *nodes: dict[str, Any], dtype: str = "float32") -> dict[str, Any]:
    """Return a definition whose output is the last node."""
    listed = [{"name": name, "shape": shape, "dtype": dtype} for name, shape in inputs.items()]
    return {"inputs": listed, "nodes": [*nodes], "outputs": [nodes[-1]["name"]]}


def _draw_one_hot(draw: np.random.Generator, rows: int, classes: int) -> Array:
    return np.eye(classes, dtype="float32")[draw.integers(0, classes, rows)]


def _draw_label(draw: np.random.Generator, rows: int) -> Array:
    return draw.integers(0, 2, (rows, 1)).astype("float32")


def _draw_digits(draw: np.random.Generator, rows: int, shape: tuple[int, ...]) -> Arrays:
    pictures = draw.random((rows, *shape), dtype="float32")
    return {"picture": pictures, "digit": _draw_one_hot(draw, rows, 10)}


def _draw_table(draw: np.random.Generator, rows: int) -> Arrays:
    return {"table": draw.random((rows, 32), dtype="float32"), "label": _draw_label(draw, rows)}


def _draw_words(draw: np.random.Generator, rows: int, length: int) -> Arrays:
    words = draw.integers(0, 5_000, (rows, length), dtype="int32")
    return {"words": words, "label": _draw_label(draw, rows)}


def _draw_tweets(draw: np.random.Generator, rows: int) -> Arrays:
    tweets = draw.random((2, rows, 140, 256), dtype="float32")
    return {"tweet_a": tweets[0], "tweet_b": tweets[1], "label": _draw_label(draw, rows)}


def _make_block(prefix: str, given: str) -> list[dict[str, Any]]:
    """Return the nodes of a transformer's block of width 64."""
    attention, ended = f"{prefix}_attention", f"{prefix}_norm_2"
    return [
        node(
            attention,
            "MultiHeadAttention",
            {"query": given, "value": given},
            num_heads=4,
            key_dim=16,
        ),
        node(f"{prefix}_sum_1", "Add", [given, attention]),
        node(f"{prefix}_norm_1", "LayerNormalization", f"{prefix}_sum_1"),
        node(f"{prefix}_wide", "Dense", f"{prefix}_norm_1", units=128, activation="relu"),
        node(f"{prefix}_narrow", "Dense", f"{prefix}_wide", units=64),
        node(f"{prefix}_sum_2", "Add", [f"{prefix}_norm_1", f"{prefix}_narrow"]),
        node(ended, "LayerNormalization", f"{prefix}_sum_2"),
    ]


DENSE = Network(
    "dense",
    graph(
        {"picture": [784]},
        node("hidden_1", "Dense", "picture", units=64, activation="relu"),
        node("hidden_2", "Dense", "hidden_1", units=64, activation="relu"),
        node("digit", "Dense", "hidden_2", units=10, activation="softmax"),
    ),
    "categorical_crossentropy",
    lambda draw, rows: _draw_digits(draw, rows, (784,)),
)
TABULAR = Network(
    "tabular, BatchNormalization and Dropout",
    graph(
        {"table": [32]},
        node("normal", "BatchNormalization", "table"),
        node("hidden_1", "Dense", "normal", units=64, activation="relu"),
        node("dropped_1", "Dropout", "hidden_1", rate=0.3),
        node("normal_2", "BatchNormalization", "dropped_1"),
        node("hidden_2", "Dense", "normal_2", units=32, activation="relu"),
        node("dropped_2", "Dropout", "hidden_2", rate=0.3),
        node("label", "Dense", "dropped_2", units=1, activation="sigmoid"),
    ),
    "binary_crossentropy",
    _draw_table,
)
CONVOLUTIONAL = Network(
    "convolutional",
    graph(
        {"picture": [28, 28, 1]},
        node("conv_1", "Conv2D", "picture", filters=16, kernel_size=3, activation="relu"),
        node("pool_1", "MaxPooling2D", "conv_1"),
        node("conv_2", "Conv2D", "pool_1", filters=32, kernel_size=3, activation="relu"),
        node("pool_2", "MaxPooling2D", "conv_2"),
        node("flat", "Flatten", "pool_2"),
        node("digit", "Dense", "flat", units=10, activation="softmax"),
    ),
    "categorical_crossentropy",
    lambda draw, rows: _draw_digits(draw, rows, (28, 28, 1)),
)
TRANSFORMER = Network(
    "transformer of two blocks",
    graph(
        {"words": [32]},
        node("embedded", "Embedding", "words", input_dim=5_000, output_dim=64),
        *_make_block("first", "embedded"),
        *_make_block("second", "first_norm_2"),
        node("mean", "GlobalAveragePooling1D", "second_norm_2"),
        node("label", "Dense", "mean", units=1, activation="sigmoid"),
        dtype="int32",
    ),
    "binary_crossentropy",
    lambda draw, rows: _draw_words(draw, rows, 32),
)
EMBEDDED_LSTM = Network(
    "embedding and LSTM",
    graph(
        {"words": [40]},
        node("embedded", "Embedding", "words", input_dim=5_000, output_dim=32),
        node("read", "LSTM", "embedded", units=32),
        node("label", "Dense", "read", units=1, activation="sigmoid"),
        dtype="int32",
    ),
    "binary_crossentropy",
    lambda draw, rows: _draw_words(draw, rows, 40),
)
SHARED_LSTM = Network(
    "shared LSTM",
    {
        **graph(
            {"tweet_a": [140, 256], "tweet_b": [140, 256]},
            {"name": "encoded_a", "layer": "reader", "inputs": "tweet_a"},
            {"name": "encoded_b", "layer": "reader", "inputs": "tweet_b"},
            node("merged", "Concatenate", ["encoded_a", "encoded_b"]),
            node("label", "Dense", "merged", units=1, activation="sigmoid"),
        ),
        "layers": {"reader": {"type": "LSTM", "config": {"units": 64}}},
    },
    "binary_crossentropy",
    _draw_tweets,
)
