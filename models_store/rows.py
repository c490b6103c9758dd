"""Reads the columns of a dataset by memory map."""

import math
from dataclasses import dataclass
from typing import Any

from domain.dataset import Dataset
from models_store.artifacts import ArtifactStore
from models_store.datasets import column_key
from models_store.formats.npy import Array, open_npy

MOST_ROWS = 1000
MOST_VALUES = 1_000_000


@dataclass(frozen=True)
class Rows:
    """Rows of every column, as lists."""

    start: int
    count: int
    columns: dict[str, list[Any]]
    """NaN and infinities as they are."""


def open_column(store: ArtifactStore, dataset_id: str, index: int) -> Array:
    """A column whole: rows first, read from the disk as it is used.

    Raises:
        NotFound: the dataset has been deleted.
    """
    return open_npy(store.fetch(column_key(dataset_id, index)))


def rows(store: ArtifactStore, dataset: Dataset, start: int, count: int) -> Rows:
    """Up to `count` rows from `start`, fewer at the end, or where rows are very long.

    Raises:
        NotFound: the dataset has been deleted.
    """
    row_values = sum(math.prod(column.shape) for column in dataset.columns)
    most = min(MOST_ROWS, max(1, MOST_VALUES // row_values))
    count = max(0, min(count, most, dataset.rows - start))
    columns = {
        column.name: open_column(store, dataset.id, index)[start : start + count].tolist()
        for index, column in enumerate(dataset.columns)
    }
    return Rows(start, count, columns)
