"""Which lengths a layer's tensors have to have: TensorFlow finds out batch by batch."""

from typing import Any

import keras

from compiler.calls import Call
from compiler.scope import Made


def refuse_lengths(made: Made, call: Call) -> None:
    """See that a layer, which has just been called, can compute with these lengths.

    Raises:
        ValueError: it cannot.
    """
    if made.inputs is None:
        _refuse_mask(call)
        _refuse_adaptive(made, call)


def _refuse_mask(call: Call) -> None:
    """A mask is as long as what it masks."""
    mask = call.kwargs.get("mask")
    if isinstance(mask, keras.KerasTensor) and isinstance(call.args[0], keras.KerasTensor):
        masked = call.args[0].shape[: len(mask.shape)]
        if any(a and b and a != b for a, b in zip(mask.shape, masked, strict=False)):
            raise ValueError(f"The mask's shape {mask.shape} does not fit {call.args[0].shape}.")


def _refuse_adaptive(made: Made, call: Call) -> None:
    adaptive = made.type.startswith("Adaptive")
    if adaptive and 1 in _spatial(made.keras, call.args[0].shape):
        raise ValueError(f"{made.type} takes no spatial axis of length 1: TensorFlow dies of it.")


def _spatial(layer: Any, shape: Any) -> Any:
    return shape[2:] if layer.data_format == "channels_first" else shape[1:-1]
