"""Cuts rows into ranges that need little memory, however long single rows or texts are."""

from collections.abc import Iterator, Sequence

import numpy as np

from models_store.datasets.columns.npy import Array
from models_store.datasets.columns.read import StoredColumn

MOST_VALUES = 1 << 21
"""The most values of a range, unless one row has more."""
MOST_TEXT_BYTES = 16 << 20
"""The most bytes of the texts of a range, unless one row has more."""
Range = tuple[int, int]
"""The first row, and the row after the last one."""


def list_ranges(columns: Sequence[StoredColumn], start: int, stop: int) -> Iterator[Range]:
    """Yields the ranges of some rows of columns that are read together.

    Args:
        columns: The columns.
        start: The first row.
        stop: The row after the last one.
    """
    varying = [column for column in columns if column.is_ragged or column.is_text]
    if not varying:
        yield start, stop
        return
    for first, last in _cut(start, count_values(varying, start, stop), MOST_VALUES):
        yield from _cut(first, measure_texts(varying, first, last), MOST_TEXT_BYTES)


def list_blocks(columns: Sequence[StoredColumn], rows: int, step: int) -> Iterator[Range]:
    """Yields the ranges of all rows of columns, each of at most `step` rows; see `list_ranges`."""
    for start in range(0, rows, step):
        yield from list_ranges(columns, start, min(start + step, rows))


def count_values(columns: Sequence[StoredColumn], start: int, stop: int) -> Array:
    """Returns the number of values of each of some rows, of all columns together."""
    total = np.zeros(stop - start, np.int64)
    for column in columns:
        total += column.count_values(start, stop)
    return total


def measure_texts(columns: Sequence[StoredColumn], start: int, stop: int) -> Array:
    """Returns the bytes of the texts of each of some rows, of all columns together."""
    total = np.zeros(stop - start, np.int64)
    for column in columns:
        if column.is_text:
            total += column.measure_texts(start, stop)
    return total


def count_fitting(sizes: Array, most: int) -> int:
    """Returns how many of the first rows have at most `most` together; at least one."""
    return max(1, int(np.searchsorted(np.cumsum(sizes), most, "right")))


def _cut(start: int, sizes: Array, most: int) -> Iterator[Range]:
    """Yields ranges of rows whose sizes are at most `most` together, or of one row."""
    ends = np.cumsum(sizes)
    place = before = 0
    while place < len(sizes):
        following = max(place + 1, int(np.searchsorted(ends, before + most, "right")))
        yield start + place, start + following
        place, before = following, int(ends[following - 1])
