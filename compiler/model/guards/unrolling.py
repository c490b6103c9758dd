"""Counts the steps of unrolled recurrent layers: each step has its own operations."""

from typing import Any

import keras

from compiler.model.refusals import Refusal


def count_unrolled_steps(layer: Any, arguments: Any) -> int:
    """Count the calls of a cell outside of a loop in one call of a layer.

    Args:
        layer: A Keras layer of any type.
        arguments: The arguments of its call: tensors, nested in any way.

    Returns:
        0 for a layer that is not recurrent or not unrolled.

    Raises:
        Refusal: The number of steps is unknown, so Keras could not train the layer.
    """
    tensors = (t for t in keras.tree.flatten(arguments) if isinstance(t, keras.KerasTensor))
    first = next(tensors, None)
    return 0 if first is None else _count_steps(layer, first.shape)


def _count_steps(layer: Any, shape: Any) -> int:
    if isinstance(layer, keras.layers.TimeDistributed):
        return _count_steps(layer.layer, (shape[0], *shape[2:]))
    if isinstance(layer, keras.layers.Bidirectional):
        return _count_steps(layer.forward_layer, shape) + _count_steps(layer.backward_layer, shape)
    if not (isinstance(layer, keras.layers.RNN) and layer.unroll):
        return 0
    if shape[1] is None:
        raise Refusal("An unrolled layer needs a known number of steps, not null.")
    return int(shape[1])
