"""Counts the steps of unrolled recurrent layers: each step becomes operations of its own."""

from typing import Any

import keras

from compiler.model.refusals import Refusal


def count_unrolled_steps(layer: Any, arguments: Any) -> int:
    """Count how often one call of a layer calls a cell outside of a loop.

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
    return 0 if first is None else _count(layer, first.shape)


def _count(layer: Any, shape: Any) -> int:
    if isinstance(layer, keras.layers.TimeDistributed):
        return _count(layer.layer, (shape[0], *shape[2:]))
    if isinstance(layer, keras.layers.Bidirectional):
        return _count(layer.forward_layer, shape) + _count(layer.backward_layer, shape)
    if not (isinstance(layer, keras.layers.RNN) and layer.unroll):
        return 0
    if shape[1] is None:
        raise Refusal("A layer is unrolled over a known number of steps; this one is null.")
    return int(shape[1])
