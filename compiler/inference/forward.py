"""Runs a model's forward pass in a TensorFlow graph, in which recurrent layers are fast."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

UNKNOWN_LENGTH = 32
"""The length of an unknown axis in generated rows."""


def make_forward(model: Any) -> Callable[[Sequence[Array]], Arrays]:
    """Return a function that runs the model's forward pass.

    TensorFlow traces it once, for any number of rows.

    Returns:
        A function from arrays of shape (rows, ...), in the order of the inputs, to arrays of shape
        (rows, ...) by output name.
    """
    signature = [[tf.TensorSpec(item.shape, item.dtype) for item in model.inputs]]

    def call(tensors: list[Any]) -> Any:
        return model(tensors, training=False)

    graph = tf.function(call, input_signature=signature, autograph=False)

    def forward(inputs: Sequence[Array]) -> Arrays:
        tensors = [tf.cast(x, item.dtype) for x, item in zip(inputs, model.inputs, strict=True)]
        return {name: value.numpy() for name, value in graph(tensors).items()}

    return forward


def generate_rows(model: Any, rows: int = 1) -> list[Array]:
    """Return rows that a model accepts: numbers in [0, 1) from a fixed seed, or empty strings.

    Returns:
        An array of shape (rows, ...) for each input, in the order of the inputs.
    """
    random = np.random.default_rng(0)
    return [_generate_array(tensor, rows, random) for tensor in model.inputs]


def _generate_array(item: Any, rows: int, random: np.random.Generator) -> Array:
    shape = (rows, *(UNKNOWN_LENGTH if axis is None else axis for axis in item.shape[1:]))
    if item.dtype == "string":
        return np.full(shape, "")
    array: Array = tf.cast(random.random(shape), item.dtype).numpy()
    return array
