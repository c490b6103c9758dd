"""Finds the examples of a training: the rows that each row of a batch is made of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.job.preparation import DROP, Window
from domain.job.recipe import Recipe
from models_store.datasets.columns.read import Block, StoredColumn
from worker.training.errors import CannotTrain
from worker.training.rows.sources import Array, find_missing

BLOCK_ROWS = 1 << 16
"""The most rows that are read at once."""


@dataclass(frozen=True)
class Examples:
    """The examples of some consecutive rows of a dataset."""

    rows: range
    """The rows that they may read."""
    starts: Array | None = None
    """The first row of each example; None if each row is an example."""
    offsets: Array | None = None
    """The rows of an input, counted from the first row; None if an input has one row."""
    target_offset: int = 0
    """The row of the targets and weights, counted from the first row."""

    def __len__(self) -> int:
        return len(self.rows) if self.starts is None else len(self.starts)

    def find_starts(self, indices: Array) -> Array:
        """Returns the first row of each example."""
        return indices + self.rows.start if self.starts is None else self.starts[indices]


def find_examples(
    recipe: Recipe, columns: Mapping[str, StoredColumn], rows: range, purpose: str
) -> Examples:
    """Finds the examples of consecutive rows.

    An example with a missing value in a column that `feed.missing` drops is left out.

    Args:
        recipe: Names the columns, and has windows and what takes the place of missing values.
        columns: The columns by name.
        rows: The rows.
        purpose: What the rows are for, in the message of an error: `train on`.

    Raises:
        CannotTrain: There is no example.
    """
    window = recipe.window
    kept = find_kept_rows(recipe, columns, rows)
    if window is None:
        if kept is None:
            return Examples(rows)
        starts = rows.start + np.flatnonzero(kept)
        found = Examples(rows, starts)
    else:
        starts = _find_windows(window, columns, rows)
        if kept is not None:
            starts = starts[_have_all(starts - rows.start, kept, window)]
        offsets = np.arange(window.length) * window.rate
        found = Examples(rows, starts, offsets, window.offset)
    if not len(found):
        place = "/feed/missing" if window is None else "/feed/window"
        raise CannotTrain(f"No row is left to {purpose}.", place)
    return found


def find_kept_rows(
    recipe: Recipe, columns: Mapping[str, StoredColumn], rows: range
) -> Array | None:
    """Returns a mask of the rows that are not dropped; None if no row is."""
    dropping = [name for name, entry in recipe.missing.items() if entry == DROP and name in columns]
    kept: Array | None = None
    for name in dropping:
        for start, block in read_blocks(columns[name], rows):
            bad = _find_rows_with_missing(block)
            if bad.any():
                if kept is None:
                    kept = np.ones(len(rows), np.bool_)
                at = start - rows.start
                kept[at + np.flatnonzero(bad)] = False
    return kept


def _find_rows_with_missing(block: Block) -> Array:
    """Returns a mask of the rows with a missing value."""
    mask = find_missing(block)
    by_item: Array = np.asarray(mask.any(axis=tuple(range(1, mask.ndim))))
    if block.lengths is None:
        return by_item
    ends = np.cumsum(block.lengths)
    counts = np.concatenate([[0], np.cumsum(by_item)])
    return np.asarray(counts[ends] > counts[ends - block.lengths])


def read_blocks(column: StoredColumn, rows: range) -> Iterator[tuple[int, Block]]:
    """Yields the rows of a column in blocks, each with its first row."""
    for start in range(rows.start, rows.stop, BLOCK_ROWS):
        yield start, column.read(start, min(start + BLOCK_ROWS, rows.stop))


def _find_windows(window: Window, columns: Mapping[str, StoredColumn], rows: range) -> Array:
    """Returns the first row of each window."""
    if window.group is None:
        return rows.start + np.arange(window.count(len(rows)), dtype=np.int64) * window.stride
    bounds = _find_group_bounds(columns[window.group], rows)
    parts = [
        start + np.arange(window.count(stop - start), dtype=np.int64) * window.stride
        for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]
    return np.concatenate(parts)


def _find_group_bounds(column: StoredColumn, rows: range) -> Array:
    """Returns the first row of each run of equal values, and the end of the last run."""
    changes = [np.array([rows.start])]
    last: Any = None
    for start, block in read_blocks(column, rows):
        values = block.values
        if last is not None and values[0] != last:
            changes.append(np.array([start]))
        changes.append(start + 1 + np.flatnonzero(values[1:] != values[:-1]))
        last = values[-1]
    return np.concatenate([*changes, [rows.stop]])


def _have_all(starts: Array, kept: Array, window: Window) -> Array:
    """Returns a mask of the windows whose rows and whose target are all kept."""
    whole = kept[starts + window.offset].copy()
    for step in range(window.length):
        whole &= kept[starts + step * window.rate]
    return whole
