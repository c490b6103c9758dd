"""Reads rows of a stored column, of any dtype and shape."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from ml_dtypes import bfloat16

from domain.dtype import TEXT
from models_store.datasets.columns.file import (
    MISSING,
    ROW_ENDS,
    ROWS,
    TEXT_ENDS,
    VALUES,
    ArrayFile,
)
from models_store.datasets.columns.npy import Array, map_array

BFLOAT16 = "bfloat16"


class Items(Protocol):
    """An array of which items are read by their index along the first axis."""

    def __len__(self) -> int: ...

    def __getitem__(self, items: slice) -> Array: ...


@dataclass(frozen=True)
class Block:
    """Some rows of a column."""

    values: Array
    """Of shape (rows, *shape of a row). Of rows that differ in length, (items, *shape of an item)
    with the items of all rows. Texts are objects of type bytes."""
    lengths: Array | None = None
    """The number of items of each row, if rows differ in length."""
    missing: Array | None = None
    """A mask of the shape of `values`; None if no value is missing."""

    def to_list(self) -> list[Any]:
        """Returns the rows as nested lists of Python values; None where a value is missing."""
        wide = np.float32 if self.values.dtype.name == BFLOAT16 else self.values.dtype
        values = self.values.astype(wide).astype(object)
        if self.values.dtype == object:
            flat = values.reshape(-1)
            flat[:] = [text.decode() for text in flat]
        if self.missing is not None:
            values[self.missing] = None
        if self.lengths is None:
            rows: list[Any] = values.tolist()
            return rows
        ends = np.cumsum(self.lengths)
        parts = zip(ends - self.lengths, ends, strict=True)
        return [values[start:end].tolist() for start, end in parts]


class StoredColumn:
    """A column whose rows are read from its files."""

    def __init__(self, dtype: str, shape: Sequence[int | None], parts: Mapping[str, Items]) -> None:
        """Reads nothing yet.

        Args:
            dtype: The dtype of the column.
            shape: The shape of one row.
            parts: The array of each part; see `columns.file`.
        """
        self.dtype = dtype
        self.shape = tuple(shape)
        self._item_shape = tuple(axis for axis in shape if axis is not None)
        self.is_ragged = len(self._item_shape) < len(self.shape)
        self.is_text = dtype == TEXT
        self._parts = parts
        counted = ROW_ENDS if self.is_ragged else TEXT_ENDS if dtype == TEXT else VALUES
        self._index: Any = parts.get(ROWS)
        """The index of each row in the files; None if the column has all of them in order."""
        self.rows = len(parts[counted] if self._index is None else self._index)

    def __len__(self) -> int:
        return self.rows

    def read(self, start: int, stop: int) -> Block:
        """Reads consecutive rows."""
        if self._index is not None:
            return self._take(np.asarray(self._index[start:stop]))
        lengths = None
        if self.is_ragged:
            ends = _read_ends(self._parts[ROW_ENDS], start, stop)
            start, stop, lengths = int(ends[0]), int(ends[-1]), np.diff(ends)
        missing = self._parts.get(MISSING)
        mask = None if missing is None else np.asarray(missing[start:stop])
        return Block(self._read_items(start, stop), lengths, _drop_empty(mask))

    def count_values(self, start: int, stop: int) -> Array:
        """Returns the number of values of each of some consecutive rows."""
        size = math.prod(self._item_shape)
        if not self.is_ragged:
            return np.full(stop - start, size)
        if self._index is not None:
            return self._find_ranges(np.asarray(self._index[start:stop]))[1] * size
        return np.diff(_read_ends(self._parts[ROW_ENDS], start, stop)) * size

    def measure_texts(self, start: int, stop: int) -> Array:
        """Returns the number of bytes of the texts of each of some consecutive rows."""
        size = math.prod(self._item_shape)
        if self._index is not None:
            return self._measure_texts(np.asarray(self._index[start:stop]), size)
        items = np.arange(start, stop + 1)
        if self.is_ragged:
            items = _read_ends(self._parts[ROW_ENDS], start, stop)
        first, last = int(items[0]), int(items[-1])
        ends = _read_text_ends(self._parts[TEXT_ENDS], first, last, size)
        return np.diff(ends[(items - first) * size])

    def _measure_texts(self, rows: Array, size: int) -> Array:
        """Returns the bytes of the texts of rows by their index in the files."""
        starts, lengths = self._find_ranges(rows) if self.is_ragged else (rows, np.ones_like(rows))
        ends: Any = self._parts[TEXT_ENDS]
        flat = ends.reshape(-1)
        if not flat.size:
            return np.zeros(len(rows), np.int64)
        bounds = [np.asarray(at) * size for at in (starts, starts + lengths)]
        before, after = (np.where(at == 0, 0, flat[np.maximum(at - 1, 0)]) for at in bounds)
        return after - before

    def count_items(self, rows: Array) -> Array:
        """Returns the lengths of rows that differ in length, by index; the parts are local."""
        return self._find_ranges(self._locate(rows))[1]

    def take(self, rows: Array) -> Block:
        """Reads rows by index, in the given order; the parts are local arrays."""
        return self._take(self._locate(rows))

    def _locate(self, rows: Array) -> Array:
        """Returns the index of rows in the files."""
        return rows if self._index is None else np.asarray(self._index[rows])

    def _take(self, rows: Array) -> Block:
        """Reads rows by their index in the files."""
        if self.is_ragged:
            return self._take_ragged(rows)
        return self._take_items(rows)

    def _take_ragged(self, rows: Array) -> Block:
        starts, lengths = self._find_ranges(rows)
        block = self._take_items(_list_ranges(starts, lengths))
        return Block(block.values, lengths, block.missing)

    def _find_ranges(self, rows: Array) -> tuple[Array, Array]:
        """Returns the first item of each row, and its number of items."""
        all_ends: Any = self._parts[ROW_ENDS]
        ends = np.asarray(all_ends[rows])
        starts = np.where(rows == 0, 0, np.asarray(all_ends[np.maximum(rows - 1, 0)]))
        return starts, ends - starts

    def _take_items(self, items: Array) -> Block:
        missing: Any = self._parts.get(MISSING)
        mask = None if missing is None else np.asarray(missing[items])
        if self.dtype == TEXT:
            return Block(self._take_texts(items), None, _drop_empty(mask))
        values: Any = self._parts[VALUES]
        return Block(self._convert(np.asarray(values[items])), None, _drop_empty(mask))

    def _take_texts(self, items: Array) -> Array:
        ends: Any = self._parts[TEXT_ENDS]
        size = math.prod(self._item_shape)
        flat = ends.reshape(-1)
        at = (items[:, np.newaxis] * size + np.arange(size)).reshape(-1)
        stops = flat[at]
        starts = np.where(at == 0, 0, flat[np.maximum(at - 1, 0)])
        data = memoryview(self._parts[VALUES])  # type: ignore[arg-type]
        texts = np.empty(len(at), object)
        texts[:] = [bytes(data[a:b]) for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
        return texts.reshape(len(items), *self._item_shape)

    def _read_items(self, start: int, stop: int) -> Array:
        if self.dtype != TEXT:
            return self._convert(np.asarray(self._parts[VALUES][start:stop]))
        size = math.prod(self._item_shape)
        ends = _read_text_ends(self._parts[TEXT_ENDS], start, stop, size)
        data = np.asarray(self._parts[VALUES][int(ends[0]) : int(ends[-1])]).tobytes()
        places = (ends - ends[0]).tolist()
        texts = np.empty(len(places) - 1, object)
        texts[:] = [data[a:b] for a, b in pairwise(places)]
        return texts.reshape(stop - start, *self._item_shape)

    def _convert(self, values: Array) -> Array:
        if self.dtype != BFLOAT16:
            return values
        return values.view(bfloat16)


def open_column(
    dtype: str, shape: Sequence[int | None], files: Mapping[str, Path | ArrayFile]
) -> StoredColumn:
    """Opens a column by memory map.

    Args:
        dtype: The dtype of the column.
        shape: The shape of one row.
        files: The local file of each part.
    """
    return StoredColumn(dtype, shape, {part: load_array(file) for part, file in files.items()})


def load_array(file: Path | ArrayFile) -> Array:
    """Maps an array into memory."""
    path, offset = (file, 0) if isinstance(file, Path) else file
    if offset:
        return map_array(path, offset)
    array: Array = np.load(path, mmap_mode="r") if path.stat().st_size else np.empty(0)
    return array


def _read_ends(ends: Items, start: int, stop: int) -> Array:
    """Returns the ends of rows, after the end of the row before them."""
    if start == 0:
        return np.concatenate([np.zeros(1, np.int64), np.asarray(ends[0:stop])])
    return np.asarray(ends[start - 1 : stop])


def _read_text_ends(ends: Items, start: int, stop: int, size: int) -> Array:
    """Returns the ends of the texts of rows, after the end of the text before them."""
    if start == 0:
        return np.concatenate([np.zeros(1, np.int64), np.asarray(ends[0:stop]).reshape(-1)])
    return np.asarray(ends[start - 1 : stop]).reshape(-1)[size - 1 :]


def _list_ranges(starts: Array, lengths: Array) -> Array:
    """Returns the concatenated ranges from each start, of each length."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def _drop_empty(mask: Array | None) -> Array | None:
    return mask if mask is not None and mask.any() else None
