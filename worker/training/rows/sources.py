"""Sources of values by row: filled, encoded as classes, padded, and side by side."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from domain.dataset import ClassValue
from domain.dtype import TEXT
from domain.job.columns.fed import INDEX_DTYPE, ONE_HOT_DTYPE
from domain.job.recipe import OutputRecipe
from models_store.datasets.columns.read import Block, StoredColumn
from worker.training.rows.sample_weights import compute_sample_weights

Array = np.ndarray[Any, Any]
Shape = tuple[int | None, ...]
TEXT_DTYPE = np.dtype(object)
"""The NumPy dtype of texts, which are objects of type bytes."""


class Source(Protocol):
    """Values by row."""

    @property
    def dtype(self) -> "np.dtype[Any]":
        """The dtype of the values."""
        ...

    @property
    def shape(self) -> Shape:
        """The shape of one row; None in its first place if rows are padded by batch."""
        ...

    def take(self, rows: Array) -> Array:
        """Returns the values at row indices, of shape (rows, ...)."""
        ...


class ArraySource:
    """Values of an array in memory."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self.dtype, self.shape = array.dtype, array.shape[1:]

    def take(self, rows: Array) -> Array:
        """Returns the values at row indices."""
        return np.asarray(self._array[rows])


class ColumnSource:
    """Values of a stored column, with a value in place of each missing one."""

    def __init__(self, column: StoredColumn, fill: Array | None = None) -> None:
        """Reads nothing yet.

        Args:
            column: The column.
            fill: The values in place of missing ones, for one item of a row; None if missing
                values stay as they are stored.
        """
        self._column, self._fill = column, fill
        self.shape: Shape = column.shape
        self.dtype = _find_dtype(column, fill)

    def take(self, rows: Array) -> Array:
        """Returns the values at row indices; rows that differ in length are padded."""
        block = self._column.take(rows)
        values = block.values if self._fill is None else fill_block(block, self._fill)
        return values if block.lengths is None else pad(values, block.lengths)

    def count_items(self, rows: Array) -> Array:
        """Returns the lengths of rows that differ in length, by index."""
        return self._column.count_items(rows)


def _find_dtype(column: StoredColumn, fill: Array | None) -> "np.dtype[Any]":
    if column.dtype == TEXT:
        return TEXT_DTYPE
    dtype = column.take(np.zeros(0, np.int64)).values.dtype
    if fill is not None and fill.dtype.kind == "f" and dtype.kind in "iu":
        return fill.dtype  # the mean of whole numbers has a fraction
    return dtype


def find_missing(block: Block) -> Array:
    """Returns a mask of the values that are missing or NaN."""
    values = block.values
    mask = np.zeros(values.shape, np.bool_) if block.missing is None else block.missing
    is_float = values.dtype != TEXT_DTYPE and values.dtype.kind not in "biu"
    return mask | np.isnan(values) if is_float else mask


def fill_block(block: Block, fill: Array) -> Array:
    """Returns the values of a block, with others in place of those that are missing or NaN."""
    values, mask = block.values, find_missing(block)
    if values.dtype == TEXT_DTYPE:
        filled = values.copy()
        filled[mask] = fill.item()
        return filled
    if fill.dtype.kind == "f" and values.dtype.kind in "iu":
        values = values.astype(fill.dtype)
    return np.where(mask, fill.astype(values.dtype), values)


def pad(values: Array, lengths: Array) -> Array:
    """Pads rows to the longest of them, by zeros or empty texts.

    Args:
        values: The items of all rows, of shape (items, ...).
        lengths: The number of items of each row.

    Returns:
        An array of shape (rows, longest, ...); the longest has at least one item.
    """
    longest = max(1, int(lengths.max(initial=0)))
    shape = (len(lengths), longest, *values.shape[1:])
    padding: Any = b"" if values.dtype == TEXT_DTYPE else 0
    padded = np.full(shape, padding, values.dtype)
    padded[np.arange(longest) < lengths[:, np.newaxis]] = values
    return padded


class ClassSource:
    """The classes of a target, as indices or one-hot."""

    def __init__(self, values: Source, classes: Sequence[ClassValue], *, one_hot: bool) -> None:
        """Reads nothing yet.

        Args:
            values: The values of the column, one in each row.
            classes: The value of each class; the first has index 0.
            one_hot: Whether classes are one-hot.
        """
        self._values = values
        self._indices = {
            item.encode() if isinstance(item, str) else item: i for i, item in enumerate(classes)
        }
        self._rows = np.eye(len(classes), dtype=ONE_HOT_DTYPE) if one_hot else None
        self.dtype = np.dtype(ONE_HOT_DTYPE if one_hot else INDEX_DTYPE)
        self.shape: Shape = (*values.shape, len(classes)) if one_hot else values.shape

    def take(self, rows: Array) -> Array:
        """Returns the classes at row indices; 0 for a missing value, whose row is dropped."""
        distinct, inverse = np.unique(self._values.take(rows), return_inverse=True)
        found = [self._indices.get(value, 0) for value in distinct.tolist()]
        indices = np.asarray(found, INDEX_DTYPE)[inverse]
        return indices if self._rows is None else self._rows[indices]


class SideBySide:
    """Values of several sources, put side by side along the last axis."""

    def __init__(self, sources: Sequence[Source], dtype: "np.dtype[Any]") -> None:
        """Reads nothing yet.

        Args:
            sources: The sources; single numbers count as vectors of one.
            dtype: The dtype of the result, if the sources have several that are not all integers.
        """
        self._sources = sources
        dtypes = {source.dtype for source in sources}
        if all(item.kind in "biu" for item in dtypes):
            dtype = np.result_type(*dtypes)
        self.dtype = dtypes.pop() if len(dtypes) == 1 else dtype
        shapes = [source.shape or (1,) for source in sources]
        self.shape: Shape = (*shapes[0][:-1], sum(shape[-1] or 0 for shape in shapes))

    def take(self, rows: Array) -> Array:
        """Returns the values at row indices."""
        parts = []
        for source in self._sources:
            values = source.take(rows).astype(self.dtype, copy=False)
            parts.append(values if source.shape else values[:, np.newaxis])
        return np.concatenate(parts, axis=-1)


class LastAxis:
    """Values with a further axis of length 1."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.dtype, self.shape = source.dtype, (*source.shape, 1)

    def take(self, rows: Array) -> Array:
        """Returns the values at row indices."""
        return self._source.take(rows)[..., np.newaxis]


class WeightSource:
    """The sample weights of an output, with the weights of its classes."""

    def __init__(
        self,
        output: OutputRecipe,
        sources: Mapping[str, Source],
        positions: Sequence[int | None],
        *,
        apply_class_weights: bool,
    ) -> None:
        """Reads one row, whose weights have the dtype and the shape of all.

        Args:
            output: The recipe of the output, which has weights.
            sources: The target and the sample weights, by column.
            positions: The shape of the loss's values, with the batch axis.
            apply_class_weights: Whether class weights apply.
        """
        self._output, self._sources, self._positions = output, sources, positions
        self._apply_class_weights = apply_class_weights
        first = self._compute({name: _make_row(source) for name, source in sources.items()})
        assert first is not None
        self.dtype = first.dtype
        is_ragged = any(None in source.shape for source in sources.values())
        self.shape: Shape = tuple(
            None if is_ragged and axis == 0 and length != 1 else length
            for axis, length in enumerate(first.shape[1:])
        )

    def take(self, rows: Array) -> Array:
        """Returns the weights at row indices."""
        found = self._compute({name: source.take(rows) for name, source in self._sources.items()})
        assert found is not None
        return found

    def _compute(self, arrays: Mapping[str, Array]) -> Array | None:
        return compute_sample_weights(
            self._output, arrays, self._positions, apply_class_weights=self._apply_class_weights
        )


def _make_row(source: Source) -> Array:
    """Returns a row of zeros; a length that differs by row is 2."""
    return np.zeros((1, *(2 if axis is None else axis for axis in source.shape)), source.dtype)
