"""Reads a range of rows of a dataset."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.dataset import Column, Dataset
from domain.errors import Damaged
from models_store.datasets.formats.npy import Array, count_file_bytes, count_row_bytes
from models_store.files.store import ArtifactStore
from models_store.records.datasets import column_key

MAX_ROWS = 1000
MAX_VALUES = 1_000_000


@dataclass(frozen=True)
class Rows:
    """A range of rows, of every column."""

    start: int
    count: int
    columns: dict[str, list[Any]]
    """Nested lists by column; NaN and infinities stay floats."""


def read_rows(store: ArtifactStore, dataset: Dataset, start: int, count: int) -> Rows:
    """Reads up to `count` rows from `start`; at most `MAX_ROWS` rows and `MAX_VALUES` values.

    Raises:
        NotFound: The dataset has been deleted.
        Busy: The store does not answer.
        Damaged: A column is shorter than its row states.
    """
    row_values = sum(math.prod(column.shape) for column in dataset.columns)
    limit = min(MAX_ROWS, max(1, MAX_VALUES // row_values))
    count = max(0, min(count, limit, dataset.rows - start))
    columns = {
        column.name: _read_column(
            store, column_key(dataset.id, index), column, start, count
        ).tolist()
        for index, column in enumerate(dataset.columns)
    }
    return Rows(start, count, columns)


def _read_column(store: ArtifactStore, key: str, column: Column, start: int, count: int) -> Array:
    size = count * count_row_bytes(column)
    raw = store.read(key, count_file_bytes(column, start), size) if count else b""
    if len(raw) != size:
        raise Damaged(column.name)
    return np.frombuffer(raw, column.dtype).reshape(count, *column.shape)
