"""Refuses lengths of tensors with which TensorFlow would fail only when it computes a batch."""

from math import prod
from typing import Any

import keras
import numpy as np

from compiler.model.layer_calls import Call
from compiler.model.refusals import Refusal
from compiler.model.scope import BuiltLayer
from domain.graph.shapes import format_shape


def refuse_statistics(layer: BuiltLayer, call: Call) -> None:
    """Refuse a `Normalization` whose number of statistics differs from its normalized lengths.

    Args:
        layer: The layer, which has not been called yet.
        call: Its call.

    Raises:
        Refusal: 'mean' and 'variance' do not fit the input.
    """
    if layer.type != "Normalization" or layer.keras.input_mean is None:
        return
    tensor = call.args[0]
    if not isinstance(tensor, keras.KerasTensor):
        return  # Keras itself refuses the call
    shape = tensor.shape
    lengths = [shape[axis] for axis in layer.keras.axis if -len(shape) <= axis < len(shape)]
    given = np.size(layer.keras.input_mean)
    if None not in lengths and given not in (1, prod(lengths)):
        raise Refusal(
            f"'mean' and 'variance' must be 1 number or {prod(lengths)} each, one for each "
            f"position on the normalized axes of {format_shape(shape)}; {given} given."
        )


def refuse_lengths(layer: BuiltLayer, call: Call) -> None:
    """Refuse lengths with which a layer cannot compute.

    Args:
        layer: The layer, which has been called.
        call: Its call.

    Raises:
        Refusal: The layer cannot compute with the lengths of its inputs.
    """
    if layer.inputs is None:
        _refuse_mask(call)
        _refuse_adaptive(layer, call)
        _refuse_uneven_strides(layer)
        _refuse_dilated_transpose(layer)
        _refuse_repeated_axis(layer, call)
        _refuse_weights(layer, call)
        _refuse_unknown_one_hot(layer, call)


def _refuse_mask(call: Call) -> None:
    """Refuse a mask whose lengths differ from those of the masked tensor."""
    mask = call.kwargs.get("mask")
    if isinstance(mask, keras.KerasTensor) and isinstance(call.args[0], keras.KerasTensor):
        masked = call.args[0].shape[: len(mask.shape)]
        if any(a and b and a != b for a, b in zip(mask.shape, masked, strict=False)):
            raise Refusal(f"The mask's shape {mask.shape} does not fit {call.args[0].shape}.")


def _refuse_adaptive(layer: BuiltLayer, call: Call) -> None:
    adaptive = layer.type.startswith("Adaptive")
    if adaptive and 1 in _find_spatial_axes(layer.keras, _find_first_shape(call)):
        raise Refusal(f"{layer.type} takes no spatial axis of length 1: TensorFlow would crash.")


def _refuse_uneven_strides(layer: BuiltLayer) -> None:
    is_depthwise = layer.type.startswith(("Depthwise", "Separable"))
    if is_depthwise and len(set(layer.keras.strides)) > 1:
        raise Refusal(f"{layer.type} takes equal strides along all axes.")


def _refuse_dilated_transpose(layer: BuiltLayer) -> None:
    """Refuse a transposed convolution with a dilation: TensorFlow computes it on GPUs only."""
    if layer.type.endswith("Transpose") and set(layer.keras.dilation_rate) != {1}:
        raise Refusal(
            f"{layer.type} takes no 'dilation_rate' above 1: TensorFlow cannot compute it on CPUs, "
            "where predictions run."
        )


def _refuse_repeated_axis(layer: BuiltLayer, call: Call) -> None:
    if layer.type == "UnitNormalization":
        axes, rank = layer.keras.axis, len(_find_first_shape(call))
        listed = axes if isinstance(axes, list | tuple) else [axes]
        if rank and len({axis % rank for axis in listed}) < len(listed):
            raise Refusal(f"'axis' must name each axis once; {listed} does not.")


def _refuse_weights(layer: BuiltLayer, call: Call) -> None:
    weights, shape = call.kwargs.get("count_weights"), _find_first_shape(call)
    if isinstance(weights, keras.KerasTensor) and weights.shape != shape:
        raise Refusal(
            f"'count_weights' must be of the shape of 'inputs', {format_shape(shape)}, "
            f"not {format_shape(weights.shape)}."
        )


def _refuse_unknown_one_hot(layer: BuiltLayer, call: Call) -> None:
    """Refuse a one-hot encoding of an unknown length: a length of 1 changes its result's rank."""
    if layer.type == "CategoryEncoding" and layer.keras.output_mode == "one_hot":
        shape = _find_first_shape(call)
        if len(shape) > 1 and shape[-1] is None:
            raise Refusal(
                "CategoryEncoding with 'output_mode' 'one_hot' needs a known length of the last "
                f"axis, not {format_shape(shape)}: it removes a last axis of length 1."
            )


def _find_first_shape(call: Call) -> Any:
    """Return the shape of the first argument; empty if it is a list of tensors."""
    return getattr(call.args[0], "shape", ())


def _find_spatial_axes(layer: Any, shape: Any) -> Any:
    return shape[2:] if layer.data_format == "channels_first" else shape[1:-1]
