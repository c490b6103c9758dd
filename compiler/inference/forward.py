"""Runs a model forwards, in a graph: a recurrent layer without one goes step by step in Python."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

UNKNOWN_LENGTH = 32
"""What stands for an unknown axis when a model is tried."""


def forward_of(model: Any) -> Callable[[Sequence[Array]], Arrays]:
    """A function from arrays in the order of the inputs to arrays by output.

    It is traced once, for every number of rows.
    """
    signature = [[tf.TensorSpec(item.shape, item.dtype) for item in model.inputs]]

    def call(tensors: list[Any]) -> Any:
        return model(tensors, training=False)

    graph = tf.function(call, input_signature=signature, autograph=False)

    def forward(inputs: Sequence[Array]) -> Arrays:
        tensors = [tf.cast(x, item.dtype) for x, item in zip(inputs, model.inputs, strict=True)]
        return {name: value.numpy() for name, value in graph(tensors).items()}

    return forward


def probe(model: Any, rows: int = 1) -> list[Array]:
    """Rows that any model accepts, to try it with: numbers in [0, 1), empty texts."""
    random = np.random.default_rng(0)
    return [_rows_for(item, rows, random) for item in model.inputs]


def _rows_for(item: Any, rows: int, random: np.random.Generator) -> Array:
    shape = (rows, *(UNKNOWN_LENGTH if axis is None else axis for axis in item.shape[1:]))
    if item.dtype == "string":
        return np.full(shape, "")
    array: Array = tf.cast(random.random(shape), item.dtype).numpy()
    return array
