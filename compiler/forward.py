"""Runs a model forwards, in a graph: a recurrent layer without one goes step by step in Python."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

Arrays = dict[str, np.ndarray[Any, Any]]

UNKNOWN_LENGTH = 32
"""What stands for an unknown axis when a model is tried."""


def forward_of(model: Any) -> Callable[[Mapping[str, Any]], Arrays]:
    """A function from arrays by input to arrays by output; traced once for every row count."""
    signature = [[tf.TensorSpec(x.shape, x.dtype, name=x.name) for x in model.inputs]]

    def call(tensors: list[Any]) -> Any:
        return model(tensors, training=False)

    graph = tf.function(call, input_signature=signature, autograph=False)

    def forward(inputs: Mapping[str, Any]) -> Arrays:
        tensors = [tf.cast(inputs[item.name], item.dtype) for item in model.inputs]
        return {name: value.numpy() for name, value in graph(tensors).items()}

    return forward


def probe(model: Any, rows: int = 1) -> Arrays:
    """Rows that any model accepts, to try it with: numbers in [0, 1), empty texts."""
    random = np.random.default_rng(0)
    found: Arrays = {}
    for item in model.inputs:
        lengths = (UNKNOWN_LENGTH if axis is None else axis for axis in item.shape[1:])
        shape = (rows, *lengths)
        if item.dtype == "string":
            found[item.name] = np.full(shape, "")
        else:
            found[item.name] = tf.cast(random.random(shape), item.dtype).numpy()
    return found
