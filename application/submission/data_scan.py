"""Reads bounded parts of a job's columns for what their statistics do not tell."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import numpy as np

from domain.dataset import ClassValue, Column, Dataset
from domain.job.feed import FeedCheck
from domain.job.recipe import Recipe
from domain.job.split import count_training_rows
from models_store.datasets.columns.read import StoredColumn, open_column
from models_store.datasets.rows import open_columns
from models_store.datasets.staging import StagedDataset
from models_store.files.store import ArtifactStore

MOST_TARGET_ROWS = 200_000
"""The most rows of a target that are read."""
MOST_VALUES = 8_000_000
"""The most values of a column that are read for its first one that is not finite."""
BLOCK_VALUES = 1_000_000


class DataScan:
    """Reads columns of stored datasets, and of those that a request brings."""

    def __init__(self, store: ArtifactStore, staged: Mapping[str, StagedDataset]) -> None:
        """Reads nothing yet.

        Args:
            store: The artifact store.
            staged: The datasets that are not stored yet, by id.
        """
        self._store, self._staged = store, staged

    def find_first_rows(self, feed_check: FeedCheck) -> dict[tuple[str, str], int]:
        """Returns the first row with a NaN or an infinity, by the id of a dataset and a column.

        Columns whose rows differ in length, and columns whose first rows are finite, are left out.
        """
        found: dict[tuple[str, str], int] = {}
        for dataset in (feed_check.dataset, feed_check.validation):
            for index, column in enumerate(() if dataset is None else dataset.columns):
                is_read = column.name in feed_check.columns_read
                if dataset is None or not is_read or not column.not_finite or column.is_ragged:
                    continue
                with self._open(dataset, index) as stored:
                    row = _find_first(stored, column, dataset.rows)
                if row is not None:
                    found[dataset.id, column.name] = row
        return found

    def find_unseen_classes(self, dataset: Dataset, recipe: Recipe, split: float) -> list[str]:
        """Returns a warning for each target with a class in the validating rows alone.

        Args:
            dataset: The dataset.
            recipe: The recipe.
            split: The `validation_split`.
        """
        targets = {output.target for output in recipe.outputs.values()}
        if not split or recipe.window is not None:
            return []
        return [
            warning
            for index, column in enumerate(dataset.columns)
            if column.name in targets and column.classes is not None
            for warning in self._compare_parts(dataset, index, split)
        ]

    def _compare_parts(self, dataset: Dataset, index: int, split: float) -> Iterator[str]:
        column = dataset.columns[index]
        start = count_training_rows(dataset.rows, split)
        start = max(start, dataset.rows - MOST_TARGET_ROWS)
        with self._open(dataset, index) as stored:
            block = stored.read(start, dataset.rows)
        values = block.values if block.missing is None else block.values[~block.missing]
        distinct, counts = np.unique(values, return_counts=True)
        last = dict(zip(distinct.tolist(), counts.tolist(), strict=True))
        unseen = [
            item.value
            for item in column.classes or ()
            if last.get(_to_key(item.value)) == item.count
        ]
        if unseen:
            yield (
                f"The last rows of the dataset, which validate, hold every row of column "
                f"'{column.name}' with {_name(unseen)}; the training never sees "
                f"{'it' if len(unseen) == 1 else 'them'}. Shuffle the rows before the upload, or "
                "give a `validation_dataset`."
            )

    @contextmanager
    def _open(self, dataset: Dataset, index: int) -> Iterator[StoredColumn]:
        column, staged = dataset.columns[index], self._staged.get(dataset.id)
        if staged is not None:
            yield open_column(column.dtype, column.shape, staged.arrays[index])
            return
        with ExitStack() as stack:
            yield open_columns(self._store, dataset, stack, [index])[0]


def _find_first(stored: StoredColumn, column: Column, rows: int) -> int | None:
    size = max(1, int(np.prod([axis or 1 for axis in column.shape])))
    step = max(1, BLOCK_VALUES // size)
    for start in range(0, min(rows, max(1, MOST_VALUES // size)), step):
        block = stored.read(start, min(start + step, rows))
        wrong = ~np.isfinite(block.values)
        if block.missing is not None:
            wrong &= ~block.missing
        if wrong.any():
            return start + int(np.argmax(wrong.reshape(len(wrong), -1).any(axis=1)))
    return None


def _to_key(value: ClassValue) -> bytes | int:
    return value.encode() if isinstance(value, str) else value


def _name(values: list[ClassValue]) -> str:
    named = ", ".join(repr(value)[:100] for value in values[:5])
    return f"{named}, ..." if len(values) > 5 else named
