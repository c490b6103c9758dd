"""Refuses arguments with which an operation fails only when it computes, not when it is traced."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from compiler.catalogue.kinds.op_kinds import each
from compiler.model.refusals import Refusal
from domain.dtype import is_float
from domain.graph.shapes import format_shape

Arguments = Mapping[str, Any]
Rule = Callable[[Arguments], str | None]

_MOST_SOFTMAX_AXES = 5
"""Maximum number of axes that oneDNN's kernel takes."""
_WIDE_INTEGERS = ("int32", "int64")


def refuse_arguments(operation: str, arguments: Arguments) -> None:
    """Refuse arguments with which an operation cannot compute.

    Args:
        operation: The name of a function of `keras.ops`.
        arguments: Tensors and constants, by parameter.

    Raises:
        Refusal: The operation cannot compute with these arguments.
    """
    rule = _RULES.get(operation)
    if rule and (reason := rule(arguments)):
        raise Refusal(f"'{operation}' {reason}")


def _find_shape_of_x(arguments: Arguments) -> Any:
    """Return the shape of the argument `x`, which may be a number."""
    return getattr(arguments["x"], "shape", ())


def _check_axes(arguments: Arguments) -> str | None:
    """Check that every axis exists and is named once."""
    shape = _find_shape_of_x(arguments)
    axes, rank = arguments.get("axis"), len(shape)
    listed = axes if isinstance(axes, tuple) else () if axes is None else (axes,)
    if not all(-rank <= axis < rank for axis in listed):
        return f"needs an axis from {-rank} to {rank - 1} for {format_shape(shape)}."
    if len({axis % rank for axis in listed}) < len(listed):
        return "needs each axis once."
    return None


def _check_matrices(arguments: Arguments) -> str | None:
    shape = _find_shape_of_x(arguments)
    return (
        None
        if len(shape) > 1
        else f"needs at least two axes; {format_shape(shape)} has {len(shape)}."
    )


def _check_few_axes(arguments: Arguments) -> str | None:
    shape = _find_shape_of_x(arguments)
    if len(shape) <= _MOST_SOFTMAX_AXES:
        return _check_axes(arguments)
    return f"takes at most {_MOST_SOFTMAX_AXES} axes; {format_shape(shape)} has {len(shape)}."


def _check_wide_numbers(arguments: Arguments) -> str | None:
    tensors = [item for item in arguments.values() if isinstance(item, keras.KerasTensor)]
    if all(is_float(tensor.dtype) or tensor.dtype in _WIDE_INTEGERS for tensor in tensors):
        return None
    return f"takes floats, not {', '.join(sorted({t.dtype for t in tensors}))}; cast them first."


def _check_floats(arguments: Arguments) -> str | None:
    """Check that tensors are floats: Keras would cut the fractions of the result off."""
    tensors = [item for item in arguments.values() if isinstance(item, keras.KerasTensor)]
    others = sorted({tensor.dtype for tensor in tensors if not is_float(tensor.dtype)})
    return f"takes floats, not {', '.join(others)}; cast them first." if others else None


def _check_weights_like_x(arguments: Arguments) -> str | None:
    weights, shape = arguments.get("weights"), _find_shape_of_x(arguments)
    if weights is None or getattr(weights, "shape", None) == shape:
        return None
    return f"needs weights of the shape of 'x', {format_shape(shape)}, in `inputs`."


def _check_several_values(arguments: Arguments) -> str | None:
    """Check that `irfft` returns at least one value: otherwise TensorFlow crashes."""
    parts = arguments["x"]
    if arguments.get("fft_length") is None and parts and parts[0].shape[-1:] == (1,):
        return "needs a last axis of at least 2, or 'fft_length'."
    return None


def _check_indices_in_x(arguments: Arguments) -> str | None:
    """Check that constant indices lie within the axis."""
    indices, axis, shape = arguments["indices"], arguments.get("axis"), _find_shape_of_x(arguments)
    if (
        isinstance(indices, keras.KerasTensor)
        or not isinstance(axis, int)
        or not -len(shape) <= axis < len(shape)
    ):
        return None
    length, places = shape[axis], np.asarray(indices)
    if length is None or not places.size or (-length <= places.min() and places.max() < length):
        return None
    return f"needs 'indices' from {-length} to {length - 1}, because axis {axis} is {length} long."


_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        **each(
            "cumprod cumsum layer_normalization nancumprod nancumsum normalize rms_normalization",
            _check_axes,
        ),
        **each("tril triu", _check_matrices),
        **each("take take_along_axis", _check_indices_in_x),
        "softmax": _check_few_axes,
        "bincount": _check_weights_like_x,
        "irfft": _check_several_values,
        "cdist": _check_wide_numbers,
        "image.ssim": _check_floats,
    }
)
