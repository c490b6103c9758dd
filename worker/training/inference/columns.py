"""Writes the columns of the dataset that a predict job makes, chunk by chunk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from domain.dataset import ClassValue
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.columns.numbers import find_dtype
from models_store.datasets.columns.read import Block, StoredColumn
from models_store.datasets.columns.writer import ColumnWriter, NumberWriter, TextWriter
from worker.training.inference.computation import Outputs, OutputSpec
from worker.training.rows.sources import TEXT_DTYPE, Array

THRESHOLD = 0.5
"""The least number of the second class, unless the model has another."""


class OutputColumn:
    """The column of an output of the model."""

    def __init__(self, name: str, spec: OutputSpec, path: Path, rows: int) -> None:
        """Opens no file yet.

        Args:
            name: The name of the output.
            spec: The dtype and the shape of a row.
            path: The file of the values.
            rows: The number of rows of the whole column.
        """
        self.name, self._shape = name, spec.shape
        self._writer = _make_writer(path, spec.dtype, spec.shape, rows)

    def append(self, outputs: Outputs) -> None:
        """Writes the values of some rows."""
        append_block(self._writer, Block(outputs.values, outputs.lengths))

    def read(self, start: int, stop: int) -> Outputs:
        """Returns some rows that are written."""
        block = self._writer.open(self._shape).read(start, stop)
        return Outputs(block.values, block.lengths)

    def finish(self) -> ColumnFile:
        """Completes the files of the column."""
        return _finish(self._writer, self.name, self._shape)


class ClassColumn:
    """The column of the most likely class of an output."""

    def __init__(
        self,
        name: str,
        spec: OutputSpec,
        path: Path,
        classes: Sequence[ClassValue],
        threshold: float | None,
    ) -> None:
        """Opens no file yet.

        Args:
            name: The name of the column.
            spec: The dtype and the shape of a row of the output.
            path: The file of the values.
            classes: The class of each unit, or of one unit below and from the threshold on.
            threshold: The least number of the second class; None: `THRESHOLD`.
        """
        self.name, self._shape = name, spec.shape[:-1]
        self._has_units = bool(spec.shape)
        self._threshold = THRESHOLD if threshold is None else threshold
        self._classes = _make_array(classes)
        self._writer = _make_writer(path, self._classes.dtype, self._shape, None)

    def append(self, outputs: Outputs) -> None:
        """Writes the classes of some rows; a class is missing if a unit is NaN or has none."""
        values = outputs.values if self._has_units else outputs.values[..., np.newaxis]
        indices = self._find_indices(values)
        missing = indices >= len(self._classes)
        found = self._classes[np.where(missing, 0, indices)]
        append_block(
            self._writer, Block(found, outputs.lengths, missing if missing.any() else None)
        )

    def _find_indices(self, values: Array) -> Array:
        if values.shape[-1] > 1:
            indices = np.argmax(values, axis=-1)
        else:
            indices = (values[..., 0] >= self._threshold).astype(np.int64)
        if values.dtype.kind not in "biu":
            indices[np.isnan(values).any(axis=-1)] = len(self._classes)
        return indices

    def finish(self) -> ColumnFile:
        """Completes the files of the column."""
        return _finish(self._writer, self.name, self._shape)


class KeptColumn:
    """A copy of a column of the dataset that is read."""

    def __init__(self, name: str, column: StoredColumn, path: Path) -> None:
        """Opens no file yet.

        Args:
            name: The name of the column.
            column: The column to copy.
            path: The file of the values.
        """
        self.name, self._column = name, column
        dtype = TEXT_DTYPE if column.is_text else find_dtype(column.dtype)
        self._writer = _make_writer(path, dtype, column.shape, None)

    def append(self, rows: Array) -> None:
        """Writes some rows by their index."""
        append_block(self._writer, self._column.take(rows))

    def finish(self) -> ColumnFile:
        """Completes the files of the column."""
        return _finish(self._writer, self.name, self._column.shape)


def _make_array(classes: Sequence[ClassValue]) -> Array:
    """Returns classes as an array; texts are objects of type bytes."""
    if not any(isinstance(value, str) for value in classes):
        return np.array(classes)
    array = np.empty(len(classes), TEXT_DTYPE)
    array[:] = [str(value).encode() for value in classes]
    return array


def _make_writer(
    path: Path, dtype: "np.dtype[Any]", row: Sequence[int | None], rows: int | None
) -> ColumnWriter:
    """Returns the writer of a column.

    Args:
        path: The file of the values.
        dtype: The dtype; objects for text.
        row: The shape of one row.
        rows: The number of rows, if it is known: the file is then hashed while it is written.
    """
    counts_values = not row
    if dtype == TEXT_DTYPE:
        return TextWriter(path, counts_values=counts_values)
    known = [axis for axis in row if axis is not None]
    whole = None if rows is None or len(known) < len(row) else (rows, *known)
    return NumberWriter(path, dtype, counts_values=counts_values, shape=whole)


def _finish(writer: ColumnWriter, name: str, row: Sequence[int | None]) -> ColumnFile:
    """Completes the files of a column.

    Each part is first written to a file of its own, as a part that was read for a checkpoint is:
    small arrays then share files in the same order after a resume.
    """
    writer.flush()
    return writer.finish(name, tuple(row))


def append_block(writer: ColumnWriter, block: Block) -> None:
    """Writes rows."""
    if block.lengths is not None:
        writer.append_lengths(block.lengths)
    missing = None if block.missing is None else block.missing.reshape(-1)
    if isinstance(writer, TextWriter):
        texts = block.values.reshape(-1).tolist()
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        writer.append(lengths, np.frombuffer(b"".join(texts), np.uint8), None, missing)
    elif isinstance(writer, NumberWriter):
        writer.append(np.ascontiguousarray(block.values), missing)
