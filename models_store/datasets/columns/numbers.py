"""Converts Python numbers to arrays, and arrays to other dtypes, without silent data loss."""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np
from ml_dtypes import bfloat16

from domain.dtype import is_float
from models_store.datasets.columns.npy import Array

Number = bool | int | float | Decimal
EXACT = 2.0**53
"""The bound up to which float64 represents every integer exactly."""
MIXED = "Booleans and numbers are mixed; a column holds either booleans or numbers."


def find_dtype(name: str) -> "np.dtype[Any]":
    """Returns NumPy's dtype of a name; NumPy has no bfloat16 of its own."""
    return np.dtype(bfloat16 if name == "bfloat16" else name)


@lru_cache
def name_dtype(dtype: "np.dtype[Any]") -> str:
    """Returns NumPy's name of a dtype, which NumPy computes again each time."""
    return dtype.name


class InvalidValue(Exception):
    """The value at the flat `index` cannot be stored."""

    def __init__(self, index: int, detail: str) -> None:
        super().__init__(detail)
        self.index = index
        self.detail = detail


def to_array(values: Sequence[Number]) -> Array:
    """Converts booleans to bool, integers to int64, and other numbers to float64.

    Integers beyond int64 become uint64; integers beyond uint64 become objects.

    Raises:
        InvalidValue: Booleans and numbers are mixed, or a number is beyond float64.
    """
    kinds = set(map(type, values))
    if bool in kinds and len(kinds) > 1:
        first = next(i for i, value in enumerate(values) if type(value) is not type(values[0]))
        raise InvalidValue(first, MIXED)
    if kinds == {bool}:
        return np.array(values, np.bool_)
    return _to_integers(values) if kinds == {int} else to_float64(values)


def _to_integers(values: Sequence[Number]) -> Array:
    for dtype in (np.int64, np.uint64):
        try:
            return np.array(values, dtype)
        except OverflowError:
            continue
    return np.array(values, object)


def to_float64(values: "Sequence[Number] | Array") -> Array:
    """Converts each number to the nearest float64.

    Raises:
        InvalidValue: A number is beyond float64.
    """
    try:
        array = np.asarray(values, np.float64)
    except OverflowError:  # an integer beyond float64
        array = np.array([_to_float(value) for value in values])
    infinite = np.isinf(array)
    if infinite.any():
        raise InvalidValue(int(infinite.argmax()), "This number is beyond the range of float64.")
    return array


def _to_float(value: Number) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def cast(array: Array, dtype: "np.dtype[Any]") -> Array:
    """Converts values to another dtype; only fractions may be rounded.

    Raises:
        InvalidValue: A value is out of the range of the dtype, or is a fraction and the dtype
            holds integers.
    """
    if array.dtype == dtype:
        return array
    if array.dtype == object:
        array = to_float64(array)
    if dtype.kind == "b":
        return _cast_checked(array, (array == 0) | (array == 1), dtype)
    if is_float(dtype.name):
        with np.errstate(over="ignore"):
            return _cast_checked(array, np.isfinite(array.astype(dtype)), dtype)
    return _cast_checked(array, _fits_integer(array, dtype), dtype)


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
    """Returns the limits of a dtype, clipped to the range of the source dtype.

    NumPy compares in the source dtype.
    """
    source_limits = np.iinfo(source)
    return max(int(limits.min), int(source_limits.min)), min(
        int(limits.max), int(source_limits.max)
    )


def _cast_checked(array: Array, fits: Array, dtype: "np.dtype[Any]") -> Array:
    if not fits.all():
        _refuse(array, int(fits.argmin()), dtype)
    return array.astype(dtype)


def _refuse(array: Array, index: int, dtype: "np.dtype[Any]") -> NoReturn:
    raise InvalidValue(index, f"{array[index]} does not fit {dtype.name}.")
