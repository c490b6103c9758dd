"""Keras code for the features of the graph language that Keras lacks."""

from typing import Any

import keras
import numpy as np


class Constant(keras.layers.Layer):
    """Calls a layer with a constant `training`, which Keras's model would override."""

    def __init__(self, layer: Any, training: bool) -> None:
        super().__init__()
        self.layer = layer
        self.training = training
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return self.layer(inputs, training=self.training)


def numbers(name: str, value: Any) -> Any:
    """Return an operand of constants as an array of Keras's float dtype."""
    in_place = name in ("x1", "x2") and isinstance(value, list)
    return np.array(value, keras.config.floatx()) if in_place else value


def copied(tensor: Any) -> Any:
    """Copy an input that a graph returns: Keras makes a cycle if a call has another shape."""
    return keras.layers.Identity(dtype=tensor.dtype if "float" in tensor.dtype else None)(tensor)


def share_forward(bidirectional: Any, shared: Any) -> None:
    """Make Bidirectional use the shared layer itself; Keras would use a copy."""
    copy = bidirectional.forward_layer
    bidirectional._tracker.untrack(copy)
    shared.zero_output_for_mask = copy.zero_output_for_mask
    bidirectional.forward_layer = shared
