"""Which lengths a layer's tensors have to have: TensorFlow finds out batch by batch."""

from math import prod
from typing import Any

import keras
import numpy as np

from compiler.model.layer_calls import Call
from compiler.model.scope import Made
from domain.graph.shapes import shown


def refuse_statistics(made: Made, call: Call) -> None:
    """See that a `Normalization` has as many numbers as the axes that it is about to normalize.

    Raises:
        ValueError: it has others.
    """
    if made.type != "Normalization" or made.keras.input_mean is None:
        return
    shape = call.args[0].shape
    lengths = [shape[axis] for axis in made.keras.axis if -len(shape) <= axis < len(shape)]
    given = np.size(made.keras.input_mean)
    if None not in lengths and given not in (1, prod(lengths)):
        raise ValueError(
            f"'mean' and 'variance' must be 1 number or {prod(lengths)} each, one for each place "
            f"on the normalized axes of {shown(shape)}; {given} given."
        )


def refuse_lengths(made: Made, call: Call) -> None:
    """See that a layer, which has just been called, can compute with these lengths.

    Raises:
        ValueError: it cannot.
    """
    if made.inputs is None:
        _refuse_mask(call)
        _refuse_adaptive(made, call)
        _refuse_uneven_steps(made)
        _refuse_axis_twice(made, call)
        _refuse_weights(made, call)


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


def _refuse_uneven_steps(made: Made) -> None:
    is_depthwise = made.type.startswith(("Depthwise", "Separable"))
    if is_depthwise and len(set(made.keras.strides)) > 1:
        raise ValueError(f"{made.type} takes equal strides along all axes.")


def _refuse_axis_twice(made: Made, call: Call) -> None:
    if made.type == "UnitNormalization":
        axes, rank = made.keras.axis, len(call.args[0].shape)
        listed = axes if isinstance(axes, list | tuple) else [axes]
        if len({axis % rank for axis in listed}) < len(listed):
            raise ValueError(f"'axis' must name each axis once; {listed} does not.")


def _refuse_weights(made: Made, call: Call) -> None:
    weights = call.kwargs.get("count_weights")
    if isinstance(weights, keras.KerasTensor) and weights.shape != call.args[0].shape:
        raise ValueError(
            f"'count_weights' must be of the shape of 'inputs', {shown(call.args[0].shape)}, "
            f"not {shown(weights.shape)}."
        )


def _spatial(layer: Any, shape: Any) -> Any:
    return shape[2:] if layer.data_format == "channels_first" else shape[1:-1]
