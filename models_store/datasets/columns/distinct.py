"""Counts distinct values: exactly while they are few, afterwards by a sketch of fixed size."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from domain.dataset import MOST_CLASSES
from models_store.datasets.columns.hashes import hash_numbers, hash_texts
from models_store.datasets.columns.npy import Array

MOST_CLASS_CHARACTERS = 1 << 16
"""The most characters of all texts that are counted one by one."""
SKETCH_SIZE = 4_096
"""Hashes of a sketch: the standard error of an estimate is 1.6 %."""
_NARROW = 1 << 16
"""Range of integers that are counted by index instead of by sorting."""
_SAMPLE = 4_096
"""Values of a block that show whether there are too many classes."""
_RECENT_BITS = 14
_LARGE = 1 << _RECENT_BITS
"""Hashes of a block from which on those that were seen recently are dropped before the sort."""


class Sketch:
    """Estimates the number of distinct hashes by the smallest of them.

    See Bar-Yossef et al., "Counting distinct elements in a data stream", 2002. The sketches of the
    package datasketches take one value a call, which is slower than the reading of a CSV.
    """

    def __init__(self) -> None:
        self._hashes = np.empty(0, np.uint64)
        """The smallest hashes, sorted."""
        self._recent: Array | None = None
        """Hashes that were added, by their first bits."""

    def add(self, hashes: Array) -> None:
        """Adds uniformly distributed hashes, as uint64."""
        if len(self._hashes) == SKETCH_SIZE:
            hashes = hashes[hashes < self._hashes[-1]]
        if hashes.size >= _LARGE:
            hashes = self._drop_recent(hashes)
        if hashes.size:
            merged = np.sort(np.concatenate([self._hashes, hashes]))
            self._hashes = _drop_repeated(merged)[:SKETCH_SIZE]

    def _drop_recent(self, hashes: Array) -> Array:
        if self._recent is None:
            self._recent = np.zeros(1 << _RECENT_BITS, np.uint64)
        slots = (hashes >> np.uint64(64 - _RECENT_BITS)).view(np.int64)
        kept: Array = hashes[self._recent[slots] != hashes]
        self._recent[(kept >> np.uint64(64 - _RECENT_BITS)).view(np.int64)] = kept
        return kept

    @property
    def count(self) -> int:
        """The number of distinct hashes; an estimate if there are more than `SKETCH_SIZE`."""
        if len(self._hashes) < SKETCH_SIZE:
            return len(self._hashes)
        return int((SKETCH_SIZE - 1) * 2.0**64 / float(self._hashes[-1]))


class DistinctNumbers:
    """Counts the distinct numbers of a column."""

    def __init__(self, *, has_classes: bool = True) -> None:
        """Starts without values.

        Args:
            has_classes: Whether the values are counted one by one while they are few.
        """
        self.classes: Counter[int | float] | None = Counter() if has_classes else None
        """The number of times that each value occurred; None if there are too many values."""
        self._sketch = Sketch()
        self._dtype: np.dtype[Any] = np.dtype(np.int64)

    def add(self, block: Array) -> None:
        """Adds finite numbers, booleans or integers."""
        self._dtype = block.dtype
        if self.classes is None:
            self._sketch.add(hash_numbers(block))
        elif (counted := _count_values(block)) is None:
            self._end_classes(self.classes, block)
        else:
            values, counts = counted
            self.classes.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
            if len(self.classes) > MOST_CLASSES:
                self._end_classes(self.classes, values[:0])

    def drop_classes(self) -> None:
        """Counts the values no longer one by one."""
        if self.classes is not None:
            self._end_classes(self.classes, np.empty(0, self._dtype))

    def _end_classes(self, classes: "Counter[int | float]", block: Array) -> None:
        if classes:
            values = np.array(list(classes), block.dtype)
            self._sketch.add(hash_numbers(values))
        self.classes = None
        self._sketch.add(hash_numbers(block))

    @property
    def count(self) -> int:
        """The number of distinct values; an estimate if there are more than `SKETCH_SIZE`."""
        return self._sketch.count if self.classes is None else len(self.classes)


class DistinctTexts:
    """Counts the distinct texts of a column."""

    def __init__(self) -> None:
        self.classes: Counter[str] | None = Counter()
        """The number of times that each text occurred; None if there are too many or long texts."""
        self.characters = 0
        """The characters of the texts that are counted one by one."""
        self._sketch = Sketch()

    def add(self, lengths: Array, data: Array, counts: Mapping[str, int] | None = None) -> None:
        """Adds texts.

        Args:
            lengths: The number of bytes of each text.
            data: The UTF-8 bytes of all texts.
            counts: The distinct texts with the number of each, if they are known.
        """
        if counts is not None:
            self._count(counts)
        elif self.classes is None:
            self._sketch.add(hash_texts(lengths, data))
        elif (found := _count_texts(lengths, data)) is not None:
            self._count(found)
        else:
            self._end_classes(self.classes)
            self._sketch.add(hash_texts(lengths, data))

    def _count(self, counts: Mapping[str, int]) -> None:
        if self.classes is None:
            self._add_texts(counts)
            return
        self.characters += sum(len(text) for text in counts if text not in self.classes)
        self.classes.update(counts)
        if len(self.classes) > MOST_CLASSES or self.characters > MOST_CLASS_CHARACTERS:
            self._end_classes(self.classes)

    def drop_classes(self) -> None:
        """Counts the texts no longer one by one."""
        if self.classes is not None:
            self._end_classes(self.classes)

    def _end_classes(self, classes: Iterable[str]) -> None:
        self._add_texts(classes)
        self.classes = None

    def _add_texts(self, texts: Iterable[str]) -> None:
        encoded = [text.encode() for text in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        self._sketch.add(hash_texts(lengths, np.frombuffer(b"".join(encoded), np.uint8)))

    @property
    def count(self) -> int:
        """The number of distinct texts; an estimate if there are more than `SKETCH_SIZE`."""
        return self._sketch.count if self.classes is None else len(self.classes)


def _count_values(block: Array) -> tuple[Array, Array] | None:
    """Returns the distinct values of a block, and how often each occurs; None if they are many."""
    if block.dtype == np.bool_:
        block = block.view(np.uint8)
    if block.dtype.kind in "iu" and block.size:
        low = int(block.min())
        if int(block.max()) - low < _NARROW:
            return _count_narrow(block, low)
    if len(_drop_repeated(np.sort(block[:_SAMPLE]))) > MOST_CLASSES:
        return None
    return np.unique(block, return_counts=True)


def _count_narrow(block: Array, low: int) -> tuple[Array, Array]:
    """Counts integers in a narrow range from `low`."""
    wide: Any = np.uint64 if block.dtype == np.uint64 else np.int64
    offsets = block.astype(wide) - wide(low)
    counts = np.bincount(offsets.astype(np.intp, copy=False))
    present = counts.nonzero()[0]
    return present.astype(wide) + wide(low), counts[present]


def _drop_repeated(values: Array) -> Array:
    """Returns the distinct values of a sorted array. `numpy.unique` is slower for many values."""
    is_new = np.empty(values.shape, np.bool_)
    is_new[:1] = True
    np.not_equal(values[1:], values[:-1], out=is_new[1:])
    return values[is_new]


def _count_texts(lengths: Array, data: Array) -> dict[str, int] | None:
    """Returns the distinct texts of a block, and how often each occurs; None if they are many."""
    _, first, counts = np.unique(hash_texts(lengths, data), return_index=True, return_counts=True)
    if len(first) > MOST_CLASSES:
        return None
    ends = np.cumsum(lengths)
    raw = data.tobytes()
    texts = [raw[ends[index] - lengths[index] : ends[index]].decode() for index in first]
    return dict(zip(texts, counts.tolist(), strict=True))
