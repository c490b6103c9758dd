"""Statistics of a column, made in one pass while its values are written."""

from collections.abc import Mapping
from fractions import Fraction
from math import isfinite, sqrt
from typing import Any

import numpy as np

from domain.dataset import ClassCount
from models_store.datasets.columns.classes import ClassSize
from models_store.datasets.columns.distinct import DistinctNumbers, DistinctTexts
from models_store.datasets.columns.moments import measure_moments
from models_store.datasets.columns.npy import Array
from models_store.datasets.columns.numbers import EXACT


class NumberStatistics:
    """Range, mean, deviation and distinct values of numbers that are finite and not missing."""

    def __init__(self, *, counts_values: bool) -> None:
        """Starts without values.

        Args:
            counts_values: Whether distinct values are counted; they are not for columns whose rows
                have several numbers, since pixels have no classes.
        """
        self.not_finite = 0
        self.missing = 0
        self._min: int | float | None = None
        self._max: int | float | None = None
        self._count = 0
        self._origin = 0
        """A whole number near the values, if float64 would round them; else 0."""
        self._mean = 0.0
        """The mean, less the origin."""
        self._squares = 0.0
        """The sum of the squared differences from the mean."""
        self._counts_values = counts_values
        self._distinct: DistinctNumbers | None = None
        self._kind = "i"

    def add(self, block: Array, missing: Array | None = None) -> None:
        """Adds a block of values, and a mask of those that are missing."""
        if missing is not None and missing.any():
            self.missing += int(np.count_nonzero(missing))
            block = block[~missing]
        if block.dtype.kind == "V":  # bfloat16
            block = block.astype(np.float32)
        self._kind = block.dtype.kind
        if block.size:
            self._add(block)

    def _add(self, block: Array) -> None:
        convert = int if block.dtype.kind in "iu" else float
        flat = block.reshape(-1)
        low, high = convert(np.minimum.reduce(flat)), convert(np.maximum.reduce(flat))
        if not (isfinite(low) and isfinite(high)):  # NaN is the minimum of values with a NaN
            kept = block[np.isfinite(block)]
            self.not_finite += block.size - kept.size
            if kept.size:
                self._add(kept)
            return
        self._min = low if self._min is None else min(self._min, low)
        self._max = high if self._max is None else max(self._max, high)
        if not self._count and isinstance(low, int) and max(-low, high) > EXACT:
            self._origin = low
        self._add_moments(block)
        if self._counts_values:
            if self._distinct is None:
                self._distinct = DistinctNumbers(has_classes=self._kind != "f")
            self._distinct.add(block)

    def _add_moments(self, block: Array) -> None:
        """Merges the moments of a block (Chan et al., 1979)."""
        with np.errstate(over="ignore", invalid="ignore"):
            for part in measure_moments(block.reshape(-1), self._origin):
                count = self._count + part.values
                difference = np.float64(part.mean - self._mean)
                between = difference * difference * self._count * part.values / count
                self._squares = float(self._squares + part.squares + between)
                self._mean = float(self._mean + difference * part.values / count)
                self._count = count

    @property
    def class_size(self) -> ClassSize:
        """The classes so far."""
        classes = None if self._distinct is None else self._distinct.classes
        return ClassSize(is_number=True, classes=len(classes or ()), characters=0)

    def drop_classes(self) -> None:
        """Counts values no longer one by one."""
        if self._distinct is not None:
            self._distinct.drop_classes()

    def describe(self) -> dict[str, Any]:
        """Returns the fields of `domain.dataset.Column` that these statistics give."""
        deviation = (
            sqrt(self._squares / self._count) if self._squares >= 0 and self._count else None
        )
        return {
            "min": self._min,
            "max": self._max,
            "mean": self._find_mean(),
            "std": None if deviation is None else _keep_number(deviation),
            "not_finite": self.not_finite,
            "missing": self.missing,
            "distinct": self._count_distinct(),
            "classes": self._list_classes(),
        }

    def _find_mean(self) -> float | None:
        if not self._count or not isfinite(self._mean):
            return None
        if not self._origin:
            return self._mean + 0.0  # -0.0 becomes 0.0
        return float(Fraction(self._mean) + self._origin)

    def _count_distinct(self) -> int | None:
        if not self._counts_values:
            return None
        return 0 if self._distinct is None else self._distinct.count

    def _list_classes(self) -> list[ClassCount] | None:
        if not self._counts_values or self._kind == "f":
            return None
        if self._distinct is None:
            return []
        return list_classes(self._distinct.classes, bool if self._kind == "b" else None)


class TextStatistics:
    """Distinct texts of a column."""

    def __init__(self, *, counts_values: bool = True) -> None:
        """Starts without texts; see `NumberStatistics`."""
        self.missing = 0
        self._distinct = DistinctTexts() if counts_values else None

    @property
    def counts_texts(self) -> bool:
        """Whether texts are still counted one by one."""
        return self._distinct is not None and self._distinct.classes is not None

    def add(
        self,
        lengths: Array,
        data: Array,
        missing: Array | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Adds texts.

        Args:
            lengths: The number of bytes of each text; 0 where one is missing.
            data: The UTF-8 bytes of all texts.
            missing: A mask of the missing texts; None if there is none.
            counts: The distinct texts that are not missing, with the number of each, if known.
        """
        if missing is not None and missing.any():
            self.missing += int(np.count_nonzero(missing))
            lengths = lengths[~missing]
        if self._distinct is not None:
            self._distinct.add(lengths, data, counts)

    @property
    def class_size(self) -> ClassSize:
        """The classes so far."""
        if self._distinct is None or self._distinct.classes is None:
            return ClassSize(is_number=False, classes=0, characters=0)
        return ClassSize(False, len(self._distinct.classes), self._distinct.characters)

    def drop_classes(self) -> None:
        """Counts texts no longer one by one."""
        if self._distinct is not None:
            self._distinct.drop_classes()

    def describe(self) -> dict[str, Any]:
        """Returns the fields of `domain.dataset.Column` that these statistics give."""
        return {
            "min": None,
            "max": None,
            "missing": self.missing,
            "distinct": None if self._distinct is None else self._distinct.count,
            "classes": None if self._distinct is None else list_classes(self._distinct.classes),
        }


def list_classes(
    counts: "Mapping[Any, int] | None", convert: "type[bool] | None" = None
) -> list[ClassCount] | None:
    """Returns the classes in ascending order; None if there are too many."""
    if counts is None:
        return None
    return [
        ClassCount(value=value if convert is None else convert(value), count=counts[value])
        for value in sorted(counts)
    ]


def _keep_number(value: float) -> float | None:
    return value if isfinite(value) else None
