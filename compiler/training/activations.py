"""Finds the activation that computes an output."""

from typing import Any

import keras

from compiler.keras_private import get_inputs, get_operation, get_position, is_symbolic

_PASSING = (
    keras.layers.Identity,
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.Permute,
    keras.layers.RepeatVector,
)
"""Layers that pass on the values of their input."""
_OPERATIONS = {"Sigmoid": "sigmoid", "Softmax": "softmax", "Relu": "relu", "Tanh": "tanh"}
"""The activations that operations of `keras.ops` compute, by the names of Keras's classes."""


def find_activation(tensor: Any) -> str | None:
    """Find the name of the activation that computes a symbolic tensor.

    Returns:
        Keras's name, e.g. `softmax` over the last axis or `linear`; None if it is unknown.
    """
    if not is_symbolic(tensor):
        return None
    operation, inputs = get_operation(tensor), get_inputs(tensor)
    if isinstance(operation, _PASSING) or _is_linear_activation(operation):
        return find_activation(inputs[0]) if len(inputs) == 1 else None
    if isinstance(operation, keras.Model):
        return find_activation(keras.tree.flatten(operation.output)[get_position(tensor)])
    return _name_activation(operation)


def _is_linear_activation(operation: Any) -> bool:
    return isinstance(operation, keras.layers.Activation) and _name(operation) == "linear"


def _name_activation(operation: Any) -> str | None:
    if isinstance(operation, keras.layers.TimeDistributed):
        return _name_activation(operation.layer)
    name = _OPERATIONS.get(type(operation).__name__)
    if name is not None:
        axis = getattr(operation, "axis", -1)
        return name if name != "softmax" or axis == -1 else None
    if isinstance(operation, keras.layers.ReLU):
        return "relu"
    return _name(operation)


def _name(operation: Any) -> str | None:
    """Return the name of a layer's argument `activation`."""
    activation = getattr(operation, "activation", None)
    name = getattr(activation, "__name__", None)
    return name if isinstance(name, str) else None
