"""The distribution of the values of a column: a histogram, and the most frequent values."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np

from domain.contract import Result
from domain.dataset import ClassCount, Column, Dataset
from domain.dtype import is_float, kind_of
from models_store.datasets.columns.file import TEXT_ENDS, VALUES
from models_store.datasets.columns.npy import HEADER_BYTES, Array
from models_store.datasets.columns.numbers import EXACT, find_dtype
from models_store.datasets.columns.ranges import list_ranges
from models_store.datasets.columns.read import Block
from models_store.datasets.rows import open_columns
from models_store.files.store import ArtifactStore

MOST_VALUES = 10_000_000
"""Values that are counted; of a longer column, evenly spaced blocks."""
BLOCK_VALUES = 1 << 16
MOST_FREQUENT = 20
MOST_CANDIDATES = 20_000
"""Values that are counted at the same time while the most frequent ones are sought."""
MOST_CANDIDATE_BYTES = 16 << 20
"""Bytes of texts that are counted at the same time."""


class Histogram(Result):
    """Numbers of values in bins of equal width, as `numpy.histogram` computes them."""

    edges: list[float]
    """The bounds of the bins, one more than there are bins. Bounds are equal where float64 has no
    number between them; the counts are exact nevertheless."""
    counts: list[int]


class Distribution(Result):
    """How the values of a column are distributed."""

    counted: int
    """The number of values that were counted, missing ones left out. All of them up to 10 million;
    beyond, those of evenly spaced blocks of rows."""
    histogram: Histogram | None
    """`null` for text and booleans, and without finite values."""
    frequent: list[ClassCount] | None
    """The most frequent values of text, whole numbers and booleans, up to 20, the most frequent
    first; `null` for other columns."""


def describe_values(store: ArtifactStore, dataset: Dataset, index: int, bins: int) -> Distribution:
    """Reads a column, or evenly spaced blocks of it.

    Args:
        store: The artifact store.
        dataset: The dataset.
        index: The position of the column.
        bins: The number of bins.
    """
    column = dataset.columns[index]
    blocks = _Blocks(store, dataset, index)
    histogram = _Bins(column, bins)
    candidates: Counter[Any] = Counter()
    counted = 0
    is_counted = not is_float(column.dtype)
    for values in blocks:
        counted += values.size
        histogram.add(values)
        if is_counted:
            _add_counts(candidates, values)
            _drop_rare(candidates)
    frequent = _count_exactly(blocks, candidates) if is_counted else None
    return Distribution(counted=counted, histogram=histogram.finish(), frequent=frequent)


class _Blocks:
    """The values of a column that are counted, as flat arrays without those that are missing."""

    def __init__(self, store: ArtifactStore, dataset: Dataset, index: int) -> None:
        self._store = store
        self._dataset = dataset
        self._index = index

    def __iter__(self) -> Iterator[Array]:
        with ExitStack() as stack:
            (stored,) = open_columns(self._store, self._dataset, stack, [self._index])
            for start, stop in self._list_ranges():
                for first, last in list_ranges([stored], start, stop):
                    yield _flatten(stored.read(first, last))

    def _list_ranges(self) -> list[tuple[int, int]]:
        """Returns the ranges of rows that are read."""
        column, rows = self._dataset.columns[self._index], self._dataset.rows
        values = max(_count_values(column, rows), 1)
        step = max(1, BLOCK_VALUES * rows // values)
        starts: Sequence[int] = range(0, rows, step)
        most = max(1, MOST_VALUES // BLOCK_VALUES)
        if values > MOST_VALUES and len(starts) > most:
            places = np.linspace(0, len(starts) - 1, most).astype(int).tolist()
            starts = [starts[place] for place in places]
        return [(start, min(start + step, rows)) for start in starts]


def _count_values(column: Column, rows: int) -> int:
    """Returns the number of values of a column, of which some may be missing."""
    if not column.is_ragged:
        return rows * math.prod(axis or 0 for axis in column.shape)
    is_text = TEXT_ENDS in column.parts
    part = column.parts[TEXT_ENDS if is_text else VALUES]
    size = 8 if is_text else find_dtype(column.dtype).itemsize
    return (part.bytes - HEADER_BYTES) // size


def _flatten(block: Block) -> Array:
    values: Array = block.values.reshape(-1)
    return values if block.missing is None else values[~block.missing.reshape(-1)]


class _Bins:
    """Counts the values in the bins of a column."""

    def __init__(self, column: Column, bins: int) -> None:
        low, high = column.min, column.max
        self._range: tuple[float, float] | None = None
        self._origin: int | float = 0
        """The number that is subtracted from all values before they are counted."""
        if low is not None and high is not None and isfinite(high - low):
            if kind_of(column.dtype) != "bool":
                self._range = float(low), float(high)
            is_rounded = isinstance(low, int) and max(-low, high) > EXACT
            if is_rounded or not _are_distinct(low, high, bins):
                self._origin, self._range = low, (0.0, float(high - low))
                bins = _reduce(bins, *self._range)
        self._bins = bins
        self._counts = np.zeros(bins, np.int64)

    def add(self, values: Array) -> None:
        if self._range is not None:
            numbers = _subtract(values, self._origin)
            counts, _ = np.histogram(numbers[np.isfinite(numbers)], self._bins, self._range)
            self._counts += counts

    def finish(self) -> Histogram | None:
        if self._range is None:
            return None
        edges = np.histogram_bin_edges(np.empty(0), self._bins, self._range).tolist()
        if self._origin:
            edges = [float(Fraction(edge) + Fraction(self._origin)) for edge in edges]
        return Histogram(edges=edges, counts=self._counts.tolist())


def _are_distinct(low: float, high: float, bins: int) -> bool:
    """Whether float64 has a number for each edge of the bins, which `numpy.histogram` needs."""
    half = 0.5 if low == high else 0.0  # NumPy's bins of equal values are one wide together
    edges = np.linspace(low - half, high + half, bins + 1)
    return bool((np.diff(edges) > 0).all())


def _reduce(bins: int, low: float, high: float) -> int:
    """Returns the number of bins, or less if float64 does not have their edges."""
    while not _are_distinct(low, high, bins):
        bins //= 2
    return bins


def _subtract(values: Array, origin: float) -> Array:
    """Returns values less an origin, which is not above them, as float64."""
    if not origin:
        return values.astype(np.float64)
    if values.dtype.kind in "iu":  # the differences of 64 bits are exact as uint64
        wide = values.astype(np.int64 if values.dtype.kind == "i" else np.uint64)
        return (wide.view(np.uint64) - np.uint64(int(origin) % 2**64)).astype(np.float64)
    return values.astype(np.float64) - origin


def _add_counts(counts: "Counter[Any]", values: Array) -> None:
    """Adds the number of times that each value occurs."""
    if values.dtype == object:
        counts.update(values.tolist())
        return
    distinct, times = np.unique(values, return_counts=True)
    counts.update(dict(zip(distinct.tolist(), times.tolist(), strict=True)))


def _drop_rare(counts: "Counter[Any]") -> None:
    """Drops the rarest half if there are too many values (Misra and Gries, 1982)."""
    if len(counts) <= MOST_CANDIDATES and _measure(counts) <= MOST_CANDIDATE_BYTES:
        return
    kept: dict[Any, int] = {}
    size = 0
    for value, count in counts.most_common(MOST_CANDIDATES // 2):
        size += _measure([value])
        if size <= MOST_CANDIDATE_BYTES // 2:
            kept[value] = count
    counts.clear()
    counts.update(kept)


def _measure(values: Iterable[Any]) -> int:
    """Returns the bytes of texts."""
    return sum(len(value) for value in values if isinstance(value, bytes))


def _count_exactly(blocks: _Blocks, candidates: "Counter[Any]") -> list[ClassCount]:
    """Returns the most frequent values; reads the blocks again, since candidates may have lost."""
    chosen = {value for value, _ in candidates.most_common(5 * MOST_FREQUENT)}
    counts: Counter[Any] = Counter()
    for values in blocks:
        found: Counter[Any] = Counter()
        _add_counts(found, values)
        counts.update({value: found[value] for value in chosen if value in found})
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        ClassCount(value=value.decode() if isinstance(value, bytes) else value, count=count)
        for value, count in ordered[:MOST_FREQUENT]
    ]
