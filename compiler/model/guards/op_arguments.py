"""What some functions cannot compute, although TensorFlow would put it into a graph."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from compiler.catalogue.kinds.op_kinds import each
from domain.graph.shapes import shown

Arguments = Mapping[str, Any]
Rule = Callable[[Arguments], str | None]

_MOST_SOFTMAX_AXES = 5
"""Of oneDNN's kernel."""


def refuse_arguments(function: str, arguments: Arguments) -> None:
    """See that a function can compute with these arguments.

    Args:
        function: Of `keras.ops`.
        arguments: Tensors and constants, by parameter.

    Raises:
        ValueError: it cannot.
    """
    rule = _RULES.get(function)
    if rule and (reason := rule(arguments)):
        raise ValueError(f"'{function}' {reason}")


def _axis_of_x(arguments: Arguments) -> str | None:
    """Every axis is one that 'x' has, and is given once."""
    axes, rank = arguments.get("axis"), len(arguments["x"].shape)
    listed = axes if isinstance(axes, tuple) else () if axes is None else (axes,)
    if not all(-rank <= axis < rank for axis in listed):
        return f"needs an axis from {-rank} to {rank - 1} for {shown(arguments['x'].shape)}."
    if len({axis % rank for axis in listed}) < len(listed):
        return "needs each axis once."
    return None


def _matrices(arguments: Arguments) -> str | None:
    shape = arguments["x"].shape
    return None if len(shape) > 1 else f"needs at least two axes; {shown(shape)} has one."


def _few_axes(arguments: Arguments) -> str | None:
    shape = arguments["x"].shape
    if len(shape) <= _MOST_SOFTMAX_AXES:
        return _axis_of_x(arguments)
    return f"takes at most {_MOST_SOFTMAX_AXES} axes; {shown(shape)} has {len(shape)}."


def _no_small_numbers(arguments: Arguments) -> str | None:
    tensors = [item for item in arguments.values() if isinstance(item, keras.KerasTensor)]
    if all(_is_wide(tensor.dtype) for tensor in tensors):
        return None
    return f"takes floats, not {', '.join(sorted({t.dtype for t in tensors}))}; cast them first."


def _weights_like_x(arguments: Arguments) -> str | None:
    weights = arguments.get("weights")
    if weights is None or getattr(weights, "shape", None) == arguments["x"].shape:
        return None
    return f"needs weights of the shape of 'x', {shown(arguments['x'].shape)}, from `inputs`."


def _more_than_one(arguments: Arguments) -> str | None:
    """TensorFlow dies of a transform to nothing."""
    if arguments.get("fft_length") is None and arguments["x"][0].shape[-1:] == (1,):
        return "needs a last axis of at least 2, or 'fft_length'."
    return None


def _inside_x(arguments: Arguments) -> str | None:
    """Constant indices name places that the axis has."""
    indices, axis, shape = arguments["indices"], arguments.get("axis"), arguments["x"].shape
    if (
        isinstance(indices, keras.KerasTensor)
        or axis is None
        or not -len(shape) <= axis < len(shape)
    ):
        return None
    length, places = shape[axis], np.asarray(indices)
    if length is None or not places.size or (-length <= places.min() and places.max() < length):
        return None
    return f"needs 'indices' from {-length} to {length - 1}, as axis {axis} is {length} long."


def _is_wide(dtype: str) -> bool:
    return "float" in dtype or dtype in ("int32", "int64")


_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        **each(
            "cumprod cumsum layer_normalization nancumprod nancumsum normalize rms_normalization",
            _axis_of_x,
        ),
        **each("tril triu", _matrices),
        **each("take take_along_axis", _inside_x),
        "softmax": _few_axes,
        "bincount": _weights_like_x,
        "irfft": _more_than_one,
        "cdist": _no_small_numbers,
    }
)
