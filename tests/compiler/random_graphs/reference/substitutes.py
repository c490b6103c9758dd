"""What a person writes in Keras for that of the graph language which Keras has no word for."""

from typing import Any

import keras
import numpy as np


class Constant(keras.layers.Layer):
    """Calls a layer with a `training` of its own: Keras would put a model's over it."""

    def __init__(self, layer: Any, training: bool) -> None:
        super().__init__()
        self.layer = layer
        self.training = training
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return self.layer(inputs, training=self.training)


def numbers(name: str, value: Any) -> Any:
    """Numbers in the place of a tensor are an array of Keras's own precision."""
    in_place = name in ("x1", "x2") and isinstance(value, list)
    return np.array(value, keras.config.floatx()) if in_place else value


def copied(tensor: Any) -> Any:
    """Keras makes a cycle of a graph that gives a tensor it was given in another shape."""
    return keras.layers.Identity(dtype=tensor.dtype if "float" in tensor.dtype else None)(tensor)


def share_forward(bidirectional: Any, shared: Any) -> None:
    """Keras takes a copy of the layer that it is given; in the language, a name shares."""
    copy = bidirectional.forward_layer
    bidirectional._tracker.untrack(copy)
    shared.zero_output_for_mask = copy.zero_output_for_mask
    bidirectional.forward_layer = shared
