"""Converts the JSON values of a prediction to NumPy arrays, and arrays to JSON values."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.errors import Fault, Invalid
from domain.graph.shapes import format_shape
from domain.graph.summary import Tensor
from domain.graph.walk import Place
from domain.json.pointer import pointer

Array = npt.NDArray[Any]
Arrays = dict[str, Array]
Locate = Callable[[str, int], Place]
"""Returns the place in the request of one value, given the input's name and the row's index."""
MOST_INPUT_FAULTS = 10
"""Faults of one input in one answer, so that the answer also has those of the other inputs."""
_KINDS = {"float": "biuf", "int": "biu", "uint": "biu", "bool": "b"}
"""The NumPy array kinds that convert to a dtype of each kind."""


class DifferentShapes(Invalid):
    """The rows of an input have the right types, but differ in shape."""


@dataclass(frozen=True)
class Rows:
    """The rows of a prediction request, independent of the protocol."""

    arrays: Arrays
    """Arrays by input name, each of shape (rows, ...)."""
    count: int
    """Number of rows, at least 1."""
    place: Place
    """The place of the rows in the request."""
    locate: Locate


def parse_rows(rows: list[Any], tensor: Tensor, locate: Locate) -> Array:
    """Returns the array of one input, of shape (rows, ...).

    Args:
        rows: One value for each row, nested as deeply as the input has axes.
        tensor: The input. If a row is one number, it needs no list around it.
        locate: Returns the place of each value in the request.

    Raises:
        Invalid: a value has the wrong type, or a list has the wrong length. Each fault has its
            place.
    """
    if tensor.shape[1:] == [1]:
        rows = [value if isinstance(value, list) else [value] for value in rows]
    array = np.array(rows, object) if tensor.dtype == "string" else _make_array(rows)
    if array.dtype.kind in "fO" and _get_kinds(tensor.dtype) == _KINDS["int"]:
        rows = [_convert_whole_floats(value) for value in rows]
        array = _make_array(rows)
    is_typed = _matches(array, tensor)
    if not is_typed or tensor.dtype == "string":  # an object may be of any type
        faults = list(islice(_find_faults(rows, tensor, locate), MOST_INPUT_FAULTS))
        if faults:
            raise Invalid(faults)
    if not is_typed:
        array = _make_typed_array(rows, tensor, locate)
    return _cast(array, tensor, locate)


def _convert_whole_floats(value: Any) -> Any:
    """Returns nested lists with 1 for 1.0, since some languages write every number as a float."""
    if isinstance(value, list):
        return [_convert_whole_floats(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _make_array(rows: list[Any]) -> Array:
    try:
        return np.array(rows)
    except ValueError:  # ragged
        return np.empty(0, object)


def _make_typed_array(rows: list[Any], tensor: Tensor, locate: Locate) -> Array:
    """Returns an array that NumPy makes only with a given dtype, for example of 10^30."""
    try:
        return np.array(rows, np.float64 if "float" in tensor.dtype else tensor.dtype)
    except (ValueError, TypeError, OverflowError) as error:
        name, place = tensor.name, pointer(*locate(tensor.name, 0))
        detail = f"The lists within a row of input '{name}' differ in length; only rows may."
        raise DifferentShapes([Fault(pointer=place, detail=detail)]) from error


def _matches(array: Array, tensor: Tensor) -> bool:
    row = tensor.shape[1:]
    has_shape = array.ndim == len(row) + 1 and all(
        expected is None or length == expected
        for length, expected in zip(array.shape[1:], row, strict=True)
    )
    return has_shape and array.dtype.kind in _get_kinds(tensor.dtype)


def _get_kinds(dtype: str) -> str:
    if dtype == "string":
        return "O"  # NumPy's own text would take as much memory for each text as for the longest
    return _KINDS["float" if "float" in dtype else dtype.rstrip("0123456789")]


def _find_faults(rows: list[Any], tensor: Tensor, locate: Locate) -> Iterator[Fault]:
    for row, value in enumerate(rows):
        yield from _find_value_faults(value, tensor.shape[1:], tensor, locate(tensor.name, row))


def _find_value_faults(
    value: Any, shape: list[int | None], tensor: Tensor, place: Place
) -> Iterator[Fault]:
    if not shape:
        if (expected := _describe_expected_value(value, tensor.dtype)) is not None:
            detail = f"Input '{tensor.name}' ({tensor.dtype}) takes {expected} here."
            yield Fault(pointer=pointer(*place), detail=detail)
        elif "float" in tensor.dtype and _is_beyond_float64(value):
            yield Fault(pointer=pointer(*place), detail=_describe_too_large(tensor.dtype))
    elif not isinstance(value, list) or shape[0] not in (None, len(value)):
        detail = f"Input '{tensor.name}' takes rows of the shape {format_shape(tensor.shape[1:])}"
        length = "belongs" if shape[0] is None else f"of {shape[0]} belongs"
        yield Fault(pointer=pointer(*place), detail=f"{detail}: a list {length} here.")
    else:
        for i, item in enumerate(value):
            yield from _find_value_faults(item, shape[1:], tensor, (*place, i))


def _describe_expected_value(value: Any, dtype: str) -> str | None:
    """Returns a description of valid values, or None if the value is valid."""
    if dtype == "string":
        return None if isinstance(value, str) else "text"
    if dtype == "bool":
        return None if isinstance(value, bool) else "true or false"
    if "float" in dtype:
        return None if isinstance(value, int | float) else "a number"
    low, high = _get_range(dtype)
    if isinstance(value, int):
        return None if low <= value <= high else f"a whole number from {low} to {high}"
    return "a whole number"


def _is_beyond_float64(value: int | float) -> bool:
    try:
        float(value)
    except OverflowError:
        return True
    return False


def _describe_too_large(dtype: str) -> str:
    return f"This number is too large for {dtype}."


def _get_range(dtype: str) -> tuple[int, int]:
    bounds = np.iinfo(dtype)
    return int(bounds.min), int(bounds.max)


def _cast(array: Array, tensor: Tensor, locate: Locate) -> Array:
    if tensor.dtype == "string":
        return array
    dtype = np.dtype("float32" if tensor.dtype == "bfloat16" else tensor.dtype)
    if dtype.kind in "iu" and array.size:
        low, high = _get_range(tensor.dtype)
        outside = (array < low) | (array > high)
        detail = f"A whole number from {low} to {high} belongs here."
        _reject_first(outside, detail, tensor.name, locate)
    with np.errstate(over="ignore"):
        result = array.astype(dtype)
    if dtype.kind == "f" and not np.isfinite(result).all():
        detail = _describe_too_large(tensor.dtype)
        _reject_first(~np.isfinite(result), detail, tensor.name, locate)
    return result


def _reject_first(is_invalid: Array, detail: str, name: str, locate: Locate) -> None:
    if is_invalid.any():
        row, *rest = (int(i) for i in np.argwhere(is_invalid)[0])
        where = pointer(*locate(name, row), *rest)
        raise Invalid([Fault(pointer=where, detail=detail)])


def check_indices(array: Array, size: int, name: str, locate: Locate) -> None:
    """Checks that every index is one of an Embedding: from 0 to `size` - 1.

    Raises:
        Invalid: an index is outside the range; the fault has the place of the first one.
    """
    outside = (array < 0) | (array >= size)
    _reject_first(outside, f"Input '{name}' takes the indices 0 to {size - 1}.", name, locate)


def list_rows(array: Array) -> list[Any]:
    """Returns the rows of one output as JSON values."""
    if array.dtype.kind in "biuf":
        values: list[Any] = array.tolist()
        return values
    if array.dtype.kind in "OSU":
        return [_decode_strings(row) for row in array.tolist()]
    return list_rows(array.astype(np.float32))  # bfloat16


def _decode_strings(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode_strings(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
