"""The mean and the squared differences from it, of the values of a block."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from models_store.datasets.columns.npy import Array

STEP = 1 << 15
"""Values that are converted at once; they fit the cache of a processor."""
_ROW = 256
"""Values of 8 bits whose squares float32 sums exactly."""


class Moments(NamedTuple):
    """The moments of some values."""

    values: int
    """The number of values."""
    mean: float
    """The mean, less the origin."""
    squares: float
    """The sum of the squared differences from the mean."""


def measure_moments(block: Array, origin: int = 0) -> Iterator[Moments]:
    """Yields the moments of the parts of a flat block of finite numbers or booleans.

    Args:
        block: The values.
        origin: A whole number near the values, which float64 need not represent. It is 0 unless
            the values are int64 or uint64.
    """
    for start in range(0, block.size, STEP):
        part = block[start : start + STEP]
        is_narrow = part.dtype.itemsize == 1 and part.size == STEP
        if origin:
            yield _measure_large(part, origin)
        else:
            yield _measure_narrow(part) if is_narrow else _measure(part)


def _measure_large(part: Array, origin: int) -> Moments:
    """Measures int64 or uint64, of which float64 would round the last digits.

    The differences from the smallest value are exact, since uint64 holds all of them.
    """
    low = int(part.min())
    wide = part.view(np.uint64) - np.uint64(low % 2**64)
    found = _measure(wide)
    return found._replace(mean=float(low - origin) + found.mean)


def _measure(part: Array) -> Moments:
    values = part.astype(np.float64, copy=False)
    mean = float(np.add.reduce(values) / part.size)
    differences = values - mean
    np.square(differences, out=differences)
    return Moments(part.size, mean, float(np.add.reduce(differences)))


def _measure_narrow(part: Array) -> Moments:
    """Measures values of 8 bits, e.g. pixels, in half the time."""
    rows = part.astype(np.float32).reshape(-1, _ROW)
    total = float(np.einsum("ij->i", rows).sum(dtype=np.float64))
    squares = float(np.einsum("ij,ij->i", rows, rows).sum(dtype=np.float64))
    mean = total / part.size
    return Moments(part.size, mean, max(squares - total * mean, 0.0))
