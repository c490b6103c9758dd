"""Reads a dataset in blocks of rows, whose size is about that of a few megabytes."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

from domain.dataset import Column, Dataset
from models_store.datasets.columns.ranges import list_blocks
from models_store.datasets.columns.read import Block
from models_store.datasets.rows import open_columns
from models_store.files.store import ArtifactStore

BLOCK_BYTES = 4 << 20
MOST_ROWS = 1 << 16


class ColumnBlock(NamedTuple):
    """Consecutive rows of a column."""

    column: Column
    block: Block


class RowBlocks:
    """The rows of a dataset, and single columns of it."""

    def __init__(self, store: ArtifactStore, dataset: Dataset) -> None:
        self.dataset = dataset
        self._store = store

    def __iter__(self) -> Iterator[list[ColumnBlock]]:
        """Yields consecutive rows of all columns."""
        with ExitStack() as stack:
            opened = open_columns(self._store, self.dataset, stack)
            for first, last in list_blocks(opened, self.dataset.rows, self._step):
                yield [
                    ColumnBlock(column, stored.read(first, last))
                    for column, stored in zip(self.dataset.columns, opened, strict=True)
                ]

    def read_column(self, index: int) -> Iterator[Block]:
        """Yields consecutive rows of one column."""
        with ExitStack() as stack:
            (stored,) = open_columns(self._store, self.dataset, stack, [index])
            for first, last in list_blocks([stored], self.dataset.rows, self._step):
                yield stored.read(first, last)

    @property
    def _step(self) -> int:
        """The most rows of a block."""
        size = max(1, self.dataset.bytes)
        return max(1, min(MOST_ROWS, BLOCK_BYTES * self.dataset.rows // size))
