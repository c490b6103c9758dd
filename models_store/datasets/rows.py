"""Reads rows of a dataset without its whole columns."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.dataset import Column, Dataset
from domain.errors import Damaged
from models_store.datasets.formats.npy import Array, file_bytes, row_bytes
from models_store.files.store import ArtifactStore
from models_store.records.datasets import column_key

MOST_ROWS = 1000
MOST_VALUES = 1_000_000


@dataclass(frozen=True)
class Rows:
    """Rows of every column, as lists."""

    start: int
    count: int
    columns: dict[str, list[Any]]
    """NaN and infinities as they are."""


def rows(store: ArtifactStore, dataset: Dataset, start: int, count: int) -> Rows:
    """Up to `count` rows from `start`, fewer at the end, or where rows are very long.

    Raises:
        NotFound: the dataset has been deleted.
        Busy: the store does not answer.
    """
    row_values = sum(math.prod(column.shape) for column in dataset.columns)
    most = min(MOST_ROWS, max(1, MOST_VALUES // row_values))
    count = max(0, min(count, most, dataset.rows - start))
    columns = {
        column.name: _part(store, column_key(dataset.id, index), column, start, count).tolist()
        for index, column in enumerate(dataset.columns)
    }
    return Rows(start, count, columns)


def _part(store: ArtifactStore, key: str, column: Column, start: int, count: int) -> Array:
    size = count * row_bytes(column)
    raw = store.read(key, file_bytes(column, start), size) if count else b""
    if len(raw) != size:
        raise Damaged(column.name)
    return np.frombuffer(raw, column.dtype).reshape(count, *column.shape)
