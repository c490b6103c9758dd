"""From Python numbers to arrays, and from one dtype to another, losing nothing unseen."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NoReturn

import numpy as np

from models_store.datasets.formats.npy import Array

Number = bool | int | Decimal
EXACT = 2.0**53
"""Past it a float64 no longer tells neighbouring whole numbers apart."""
MIXED = "Booleans and numbers are mixed; a column holds one or the other."


class Misfit(Exception):
    """The value at `index` (counted flat) cannot be kept."""

    def __init__(self, index: int, detail: str) -> None:
        super().__init__(detail)
        self.index = index
        self.detail = detail


def natural(values: Sequence[Number]) -> Array:
    """Booleans as bool, whole numbers as int64 (uint64, then object, when too large), else float64.

    Raises:
        Misfit: booleans stand among numbers, or a number is beyond float64.
    """
    kinds = set(map(type, values))
    if bool in kinds and len(kinds) > 1:
        first = next(i for i, value in enumerate(values) if type(value) is not type(values[0]))
        raise Misfit(first, MIXED)
    if kinds == {bool}:
        return np.array(values, np.bool_)
    return _whole(values) if kinds == {int} else as_float64(values)


def _whole(values: Sequence[Number]) -> Array:
    for dtype in (np.int64, np.uint64):
        try:
            return np.array(values, dtype)
        except OverflowError:
            continue
    return np.array(values, object)


def as_float64(values: "Sequence[Number] | Array") -> Array:
    """The nearest float64 of each.

    Raises:
        Misfit: one is beyond float64.
    """
    try:
        array = np.asarray(values, np.float64)
    except OverflowError:  # a whole number, written out
        array = np.array([_float(value) for value in values])
    infinite = np.isinf(array)
    if infinite.any():
        raise Misfit(int(infinite.argmax()), "This number is beyond the range of float64.")
    return array


def _float(value: Number) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def cast(array: Array, dtype: "np.dtype[Any]") -> Array:
    """The same values in another dtype; fractions may be rounded, nothing else is.

    Raises:
        Misfit: a value is out of the dtype's range, or a fraction where it holds none.
    """
    if array.dtype == dtype:
        return array
    if array.dtype == object:
        array = as_float64(array)
    if dtype.kind == "b":
        return _checked(array, (array == 0) | (array == 1), dtype)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return _checked(array, np.isfinite(array.astype(dtype)), dtype)
    return _checked(array, _fits_integer(array, dtype), dtype)


def _fits_integer(array: Array, dtype: "np.dtype[Any]") -> Array:
    limits = np.iinfo(dtype)
    if array.dtype.kind == "f":
        inside = (array >= float(limits.min)) & (array <= float(limits.max))
        fits: Array = inside & (np.abs(array) <= EXACT) & (array == np.trunc(array))
        return fits
    if array.dtype.kind == "b":
        return np.ones(array.shape, np.bool_)
    low, high = _bounds(array.dtype, limits)
    within: Array = (array >= low) & (array <= high)
    return within


def _bounds(source: "np.dtype[Any]", limits: "np.iinfo[Any]") -> tuple[int, int]:
    """The limits of a dtype, cut to those of the source, in which the comparison is made."""
    own = np.iinfo(source)
    return max(int(limits.min), int(own.min)), min(int(limits.max), int(own.max))


def _checked(array: Array, fits: Array, dtype: "np.dtype[Any]") -> Array:
    if not fits.all():
        _refuse(array, int(fits.argmin()), dtype)
    return array.astype(dtype)


def _refuse(array: Array, index: int, dtype: "np.dtype[Any]") -> NoReturn:
    raise Misfit(index, f"{array[index]} does not fit {dtype.name}.")
