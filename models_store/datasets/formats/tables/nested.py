"""Opens the nested lists of an Arrow array down to their values."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from models_store.datasets.columns.npy import Array
from models_store.datasets.formats.tables.types import Level


class RowFault(Exception):
    """A row cannot be stored; `row` counts in the array."""

    def __init__(self, row: int, detail: str) -> None:
        super().__init__(detail)
        self.row = row
        self.detail = detail


Step = int | Array
"""The lists at a depth: their size if it is fixed, or else the end of each of them."""


class Opened(NamedTuple):
    """The values of an array, without the lists around them."""

    values: pa.Array
    lengths: Array | None
    """The number of items of each row; None if the outermost lists have a fixed size."""
    steps: Sequence[Step]
    """The lists that were opened, outermost first."""
    masks: Sequence[tuple[int, Array]]
    """The lists that are missing: their depth, and a mask of the lists at this depth."""

    def find_row(self, value: int) -> int:
        """Returns the row of a value."""
        return _find_row(self.steps, value)

    def find_missing(self, start: int, stop: int) -> Array | None:
        """Returns a mask of the values in lists that are missing; None if there is none."""
        missing: Array | None = None
        for depth, mask in self.masks:
            own = mask[_find_lists(self.steps[depth:], np.arange(start, stop))]
            missing = own if missing is None else missing | own
        return missing


def _find_lists(steps: Sequence[Step], items: Array) -> Array:
    """Returns the index of the outermost list around each item."""
    for step in reversed(steps):
        is_fixed = isinstance(step, int)
        items = items // step if is_fixed else np.searchsorted(step, items, "right")
    return items


class Opener:
    """Opens the nested lists of the arrays of a column."""

    def __init__(self, levels: Sequence[Level]) -> None:
        """Starts without arrays.

        Args:
            levels: The lists, outermost first.
        """
        self.is_ragged = bool(levels) and None in levels[0]
        self._levels = list(levels)
        """The lists; the first array shows the size of inner lists that have none in the type."""

    @property
    def item_shape(self) -> tuple[int, ...]:
        """The shape of an item; of a whole row, if the outermost lists have a fixed size."""
        return tuple(size or 0 for level in self._levels[self.is_ragged :] for size in level)

    def open(self, array: pa.Array, most: int) -> Opened:
        """Opens the lists of an array.

        Args:
            array: The rows.
            most: The most values, of which a list of nulls has many without a byte.

        Raises:
            RowFault: A list is missing, or inner lists differ in length.
            OverflowError: There are more than `most` values.
        """
        lengths: Array | None = None
        steps: list[Step] = []
        masks: list[tuple[int, Array]] = []
        for depth in range(len(self._levels)):
            array = _get_storage(array)
            if pt.is_fixed_size_list(array.type):
                if array.null_count:
                    masks.append((depth, _find_nulls(array)))
                steps.append(array.type.list_size)
                array = _open_fixed(array, most)
            else:
                found = _read_lengths(array, steps)
                self._check_lengths(depth, found, steps)
                lengths = found if depth == 0 else lengths
                steps.append(np.cumsum(found))
                array = _open_variable(array)
        if len(array) > most:
            raise OverflowError
        return Opened(array, lengths, steps, masks)

    def _check_lengths(self, depth: int, lengths: Array, steps: Sequence[Step]) -> None:
        if depth == 0 or not lengths.size:
            return
        if None in self._levels[depth]:
            self._levels[depth] = (int(lengths[0]),)
        (expected,) = self._levels[depth]
        wrong = lengths != expected
        if wrong.any():
            first = int(wrong.argmax())
            detail = (
                f"An inner list has {lengths[first]} items where the first has {expected}; "
                "only the outermost lists may differ in length."
            )
            raise RowFault(_find_row(steps, first), detail)


def _find_row(steps: Sequence[Step], item: int) -> int:
    return int(_find_lists(steps, np.array([item]))[0])


def _get_storage(array: pa.Array) -> pa.Array:
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _find_nulls(array: pa.Array) -> Array:
    mask: Array = pc.is_null(array).to_numpy(zero_copy_only=False)
    return mask


def _open_fixed(array: pa.Array, most: int) -> pa.Array:
    size = array.type.list_size
    if len(array) * size > most:
        raise OverflowError
    return array.values.slice(array.offset * size, len(array) * size)


def _open_variable(array: pa.Array) -> pa.Array:
    if not len(array):
        return array.values.slice(0, 0)
    start, stop = array.offsets[0].as_py(), array.offsets[-1].as_py()
    return array.values.slice(start, stop - start)


def _read_lengths(array: pa.Array, steps: Sequence[Step]) -> Array:
    """Returns the lengths of variable lists."""
    if array.null_count:
        first = int(_find_nulls(array).argmax())
        detail = "This list is missing; send a list without items as an empty list."
        raise RowFault(_find_row(steps, first), detail)
    return np.diff(array.offsets.to_numpy())
