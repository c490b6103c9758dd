"""Recurrent layers that are unrolled: each step becomes operations of its own."""

from typing import Any

import keras


def unrolled_steps(layer: Any, arguments: Any) -> int:
    """How often one call of a layer calls a cell outside of a loop.

    Args:
        layer: Of any kind; all but recurrent ones, and wrappers of such, have none.
        arguments: What it is called with: tensors, nested in any way.

    Raises:
        ValueError: the number of steps is unknown, so that Keras could not train the layer.
    """
    tensors = (t for t in keras.tree.flatten(arguments) if isinstance(t, keras.KerasTensor))
    first = next(tensors, None)
    return 0 if first is None else _steps(layer, first.shape)


def _steps(layer: Any, shape: Any) -> int:
    if isinstance(layer, keras.layers.TimeDistributed):
        return _steps(layer.layer, (shape[0], *shape[2:]))
    if isinstance(layer, keras.layers.Bidirectional):
        return _steps(layer.forward_layer, shape) + _steps(layer.backward_layer, shape)
    if not (isinstance(layer, keras.layers.RNN) and layer.unroll):
        return 0
    if shape[1] is None:
        raise ValueError("A layer is unrolled over a known number of steps; this one is null.")
    return int(shape[1])
