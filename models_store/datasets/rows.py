"""Reads a range of rows of a dataset."""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.dataset import Column, Dataset, FilePlace
from domain.dtype import TEXT
from domain.errors import Damaged, Fault, Invalid
from models_store.datasets.columns.file import (
    MISSING,
    ROW_ENDS,
    ROWS,
    TEXT_ENDS,
    VALUES,
    ArrayFile,
    get_offset,
)
from models_store.datasets.columns.npy import HEADER_BYTES, Array
from models_store.datasets.columns.ranges import count_fitting, count_values, measure_texts
from models_store.datasets.columns.read import BFLOAT16, StoredColumn, open_column
from models_store.files.store import ArtifactStore
from models_store.records.datasets import column_key, index_key

MAX_ROWS = 1000
MAX_VALUES = 100_000
MAX_ROW_VALUES = 2_000_000
"""The most values of one row. A picture of 640 x 640 x 3 has 1.2 million, which take 0.4 s and 110
MiB as JSON. A larger row can be trained on, but not be read as JSON."""
MAX_BYTES = 8 << 20
MAX_ROW_BYTES = 64 << 20
"""The most bytes of the texts of one row."""


@dataclass(frozen=True)
class Rows:
    """A range of rows, of every column."""

    start: int
    count: int
    columns: dict[str, list[Any]]
    """Nested lists by column; NaN and infinities stay floats, and None is a missing value."""
    is_finite: bool
    """Whether no value of the dataset is NaN or infinite."""


@dataclass(frozen=True)
class _StoredArray:
    """An array in the store, of which ranges are read."""

    store: ArtifactStore
    key: str
    dtype: "np.dtype[Any]"
    item_shape: tuple[int, ...]
    length: int
    offset: int = 0
    """The bytes of the file before the array."""

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, items: slice) -> Array:
        item_bytes = math.prod(self.item_shape) * self.dtype.itemsize
        count = items.stop - items.start
        size = count * item_bytes
        start = self.offset + HEADER_BYTES + items.start * item_bytes
        raw = self.store.read(self.key, start, size) if size else b""
        if len(raw) != size:
            raise Damaged(self.key)
        return np.frombuffer(raw, self.dtype).reshape(count, *self.item_shape)


def _open_stored(store: ArtifactStore, dataset: Dataset, index: int) -> StoredColumn:
    """Opens a column in the store, whose rows are read by ranges.

    Args:
        store: The artifact store.
        dataset: The dataset.
        index: The position of the column.
    """
    column = dataset.columns[index]
    item_shape = tuple(axis for axis in column.shape if axis is not None)
    items = dataset.rows

    def make(
        part: str, dtype: "np.dtype[Any]", shape: tuple[int, ...], length: int
    ) -> _StoredArray:
        place = column.parts[part].place if column.parts else None
        key = column_key(dataset.files_id, index, part, place)
        return _StoredArray(store, key, dtype, shape, length, get_offset(place))

    parts: dict[str, _StoredArray] = {}
    if column.is_ragged:
        parts[ROW_ENDS] = make(ROW_ENDS, np.dtype(np.int64), (), items)
        items = 2**62  # the last of the ends, which nothing but a read could tell
    if column.dtype == TEXT:
        parts[TEXT_ENDS] = make(TEXT_ENDS, np.dtype(np.int64), item_shape, items)
        parts[VALUES] = make(VALUES, np.dtype(np.uint8), (), 2**62)
    else:
        dtype = np.dtype(np.uint16 if column.dtype == BFLOAT16 else column.dtype)
        parts[VALUES] = make(VALUES, dtype, item_shape, items)
    if column.missing:
        parts[MISSING] = make(MISSING, np.dtype(np.bool_), item_shape, items)
    return StoredColumn(column.dtype, column.shape, parts)


def open_columns(
    store: ArtifactStore,
    dataset: Dataset,
    stack: ExitStack,
    indices: Sequence[int] | None = None,
) -> list[StoredColumn]:
    """Opens columns of a dataset for reads of consecutive rows.

    Args:
        store: The artifact store.
        dataset: The dataset.
        stack: Keeps what the columns need open.
        indices: The positions of the columns; None opens all.
    """
    chosen = range(len(dataset.columns)) if indices is None else indices
    if dataset.view is None:
        return [_open_stored(store, dataset, index) for index in chosen]
    return [_open_local(store, dataset, index, stack) for index in chosen]


def _open_local(
    store: ArtifactStore, dataset: Dataset, index: int, stack: ExitStack
) -> StoredColumn:
    """Opens a column by local files, from which rows are taken in any order.

    Args:
        store: The artifact store.
        dataset: The dataset.
        index: The position of the column.
        stack: Keeps the local files.
    """
    column = dataset.columns[index]

    def fetch(part: str, sha256: str | None, place: FilePlace | None = None) -> ArrayFile:
        key = column_key(dataset.files_id, index, part, place)
        path = stack.enter_context(store.fetch(key, sha256))
        return ArrayFile(path, get_offset(place))

    files = {part: fetch(part, kept.sha256, kept.place) for part, kept in column.parts.items()}
    files = files or {VALUES: fetch(VALUES, column.sha256)}
    if dataset.view is not None:
        rows = store.fetch(index_key(dataset.id), dataset.view.index.sha256)
        files[ROWS] = ArrayFile(stack.enter_context(rows))
    return open_column(column.dtype, column.shape, files)


def read_rows(store: ArtifactStore, dataset: Dataset, start: int, count: int) -> Rows:
    """Reads up to `count` rows from `start`.

    At most `MAX_ROWS` rows, `MAX_VALUES` values and `MAX_BYTES` bytes of text are read. A single
    row may have up to `MAX_ROW_VALUES` values and `MAX_ROW_BYTES` bytes of text.

    Raises:
        Invalid: A row has more.
        NotFound: The dataset has been deleted.
        Busy: The store does not answer.
        Damaged: A column is shorter than its row states.
    """
    row_values = sum(map(count_row_values, dataset.columns))
    _check_row("A row of this dataset", row_values, MAX_ROW_VALUES, "values")
    limit = min(MAX_ROWS, max(1, MAX_VALUES // row_values))
    count = max(0, min(count, limit, dataset.rows - start))
    with ExitStack() as stack:
        opened = open_columns(store, dataset, stack) if count else []
        count = _bound_count(opened, start, count) if count else 0
        blocks = [column.read(start, start + count).to_list() for column in opened]
    names = [column.name for column in dataset.columns]
    columns = dict(zip(names, blocks or [[] for _ in names], strict=True))
    is_finite = all(column.not_finite == 0 for column in dataset.columns)
    return Rows(start, count, columns, is_finite)


def _bound_count(opened: Sequence[StoredColumn], start: int, count: int) -> int:
    """Returns how many of some rows are short enough to be read together; at least one.

    Raises:
        Invalid: The first row is too long.
    """
    values = count_values(opened, start, start + count)
    _check_row(f"Row {start}", int(values[0]), MAX_ROW_VALUES, "values")
    count = count_fitting(values, MAX_VALUES)
    sizes = measure_texts(opened, start, start + count)
    _check_row(f"Row {start}", int(sizes[0]), MAX_ROW_BYTES, "bytes of text")
    return count_fitting(sizes, MAX_BYTES)


def _check_row(subject: str, size: int, most: int, unit: str) -> None:
    if size > most:
        detail = f"{subject} has {size:,} {unit}; "
        detail += f"rows of more than {most:,} {unit} cannot be read as JSON."
        raise Invalid([Fault(pointer="", detail=detail)])


def count_row_values(column: Column) -> int:
    """Returns the number of values of a row; the length of rows that differ counts as 1."""
    return math.prod(1 if axis is None else axis for axis in column.shape)
