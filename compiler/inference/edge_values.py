"""Values at which implementations of the same function tend to differ."""

from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, Any]

_FLOATS = (
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.0, -2.0, 2.5, -2.5, 3.0, -3.0, 0.1, -0.1, 0.9,
    -0.9, 1e-3, -1e-3, 1e-6, -1e-6, 4.0, 7.0, -7.0, 10.0, -10.0, 20.0, -20.0, 60.0, -60.0, 100.0,
    -100.0, 1e4, -1e4,
)  # fmt: skip
_LARGE_FLOATS = (2.0**24 + 2, -(2.0**31), 2.0**63, 1e20, -1e20)
_NON_FINITE = (np.nan, np.inf, -np.inf)
_INTEGERS = (
    0, 1, -1, 2, -2, 3, -3, 4, 5, -5, 7, -7, 8, 31, -31, 32, 63, 64, 100, -100, 127, -128, 255, 256,
    46341, 65535, 65536, 2**24 + 1, -(2**24) - 1, 2**31 - 1, 2**31, -(2**31), 2**31 + 7, 2**32 - 1,
    2**53 + 1, -(2**53) - 1, 2**62 + 1, 2**63 - 1, -(2**63), 2**63 + 3, 2**64 - 1,
)  # fmt: skip
_TEXTS = ("", "a", "A", "red", "red green", "ä", "0")


def list_edge_values(dtype: str) -> Array:
    """List negatives, zeros, ones, halves, small, large and limit values of a dtype.

    Args:
        dtype: A dtype of Keras.

    Returns:
        An array of shape (values,). It has no NaN and no infinities.
    """
    if dtype == "string":
        return np.array(_TEXTS, object)
    if dtype == "bool":
        return np.array([False, True])
    kind = tf.as_dtype(dtype)
    if kind.is_integer:
        own = (kind.min, kind.min + 1, kind.max - 1, kind.max)
        fitting = {*own, *(value for value in _INTEGERS if kind.min <= value <= kind.max)}
        return np.array(sorted(fitting), kind.as_numpy_dtype)
    largest, smallest = float(kind.max), _find_smallest(dtype)
    large = [value for value in _LARGE_FLOATS if abs(value) < largest]
    limits = [smallest, -smallest, largest, -largest]
    return np.array([*_FLOATS, *large, *limits]).astype(kind.as_numpy_dtype)


def _find_smallest(dtype: str) -> float:
    """Return the smallest positive float of full precision."""
    return float(np.finfo("float32" if dtype == "bfloat16" else dtype).tiny)


def list_non_finite_values(dtype: str) -> Array:
    """List NaN and the infinities of a dtype; other dtypes than floats have none."""
    if "float" not in dtype:
        return np.array([])
    return np.array(_NON_FINITE).astype(tf.as_dtype(dtype).as_numpy_dtype)
