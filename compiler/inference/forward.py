"""Runs a model's forward pass in a TensorFlow graph, in which recurrent layers are fast."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

UNKNOWN_LENGTH = 32
"""The length of an unknown axis in generated rows."""


def keep_nan() -> None:
    """Let compiled functions of this process return NaN where Keras does.

    TensorFlow fuses a product, its bias and its activation. On some processors the fused ReLU of
    NaN is 0.
    """
    tf.config.optimizer.set_experimental_options({"remapping": False})


class Forward:
    """Runs a model's forward pass. TensorFlow traces it once, for any number of rows."""

    def __init__(self, model: Any) -> None:
        keep_nan()
        self._inputs = model.inputs
        self._call = _make_function(model)

    def __call__(self, inputs: Sequence[Array]) -> Arrays:
        """Run the forward pass.

        Args:
            inputs: Arrays of shape (rows, ...), in the order of the model's inputs.

        Returns:
            Arrays of shape (rows, ...) by output name.
        """
        tensors = [tf.cast(x, item.dtype) for x, item in zip(inputs, self._inputs, strict=True)]
        return {name: value.numpy() for name, value in self._call(tensors).items()}

    @cached_property
    def definition(self) -> Any:
        """The `GraphDef` of the forward pass, without the weights."""
        return self._call.get_concrete_function().graph.as_graph_def()


def _make_function(model: Any) -> Any:
    signature = [[tf.TensorSpec(item.shape, item.dtype) for item in model.inputs]]

    def call(tensors: list[Any]) -> Any:
        return model(tensors, training=False)

    return tf.function(call, input_signature=signature, autograph=False)


def make_forward(model: Any) -> Callable[[Sequence[Array]], Arrays]:
    """Return a function that runs the model's forward pass."""
    return Forward(model)


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
