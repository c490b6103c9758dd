"""Writers of columns: values arrive block by block, in C order."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from domain.dataset import Column
from domain.dtype import TEXT, is_float
from models_store.datasets.columns.file import (
    MISSING,
    ROW_ENDS,
    TEXT_ENDS,
    VALUES,
    ArrayFile,
    ColumnFile,
    WrittenArray,
    append_array,
    make_part_path,
)
from models_store.datasets.columns.npy import BLOCK_BYTES, HEADER_BYTES, Array, NpyWriter
from models_store.datasets.columns.numbers import name_dtype
from models_store.datasets.columns.read import StoredColumn
from models_store.datasets.columns.statistics import NumberStatistics, TextStatistics


class ColumnWriter:
    """The parts that columns of numbers and of text have in common."""

    def __init__(
        self, path: Path, dtype: "np.dtype[Any]", shape: tuple[int, ...] | None = None
    ) -> None:
        """Opens no file yet.

        Args:
            path: The file of the values, `<index>.npy`; other parts are written beside it.
            dtype: The dtype of that file.
            shape: The shape of that file, if it is known.
        """
        self.path = path
        self._values = NpyWriter(path, dtype, shape)
        self._missing: NpyWriter | None = None
        self._row_ends: NpyWriter | None = None
        self._items = 0
        self._longest: int | None = None
        self._shortest: int | None = None

    @property
    def values(self) -> int:
        """The number of values so far."""
        raise NotImplementedError

    @property
    def statistics(self) -> NumberStatistics | TextStatistics:
        """The statistics of the values so far."""
        raise NotImplementedError

    def take_lengths(self, other: "ColumnWriter") -> None:
        """Takes over the lengths of rows from the writer that this one replaces."""
        self._row_ends, self._items = other._row_ends, other._items
        self._longest, self._shortest = other._longest, other._shortest

    def read_row_ends(self) -> Array:
        """Returns the ends of the rows so far, by memory map."""
        assert self._row_ends is not None, "the rows differ in length"
        return self._row_ends.read()

    def open(self, row_shape: tuple[int | None, ...]) -> StoredColumn:
        """Opens the rows so far, by memory map.

        Args:
            row_shape: The shape of a row; None in its first place if the rows differ in length.
        """
        items = tuple(axis for axis in row_shape if axis is not None)
        shapes = {VALUES: () if TEXT_ENDS in self._parts else items, TEXT_ENDS: items}
        shapes[MISSING] = items
        parts = {
            part: writer.read().reshape(-1, *shapes.get(part, ()))
            for part, writer in self._parts.items()
        }
        return StoredColumn(self.dtype_name, row_shape, parts)

    def flush(self) -> None:
        """Writes what is in memory only, so that each part has a file of its own."""
        for writer in self._parts.values():
            writer.flush()

    @property
    def dtype_name(self) -> str:
        """The dtype of the column; `string` for text."""
        raise NotImplementedError

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays so far."""
        return sum(writer.values * writer.dtype.itemsize for writer in self._parts.values())

    @property
    def _parts(self) -> dict[str, NpyWriter]:
        """The writers of the parts that the column has."""
        parts = {VALUES: self._values, ROW_ENDS: self._row_ends, MISSING: self._missing}
        return {part: writer for part, writer in parts.items() if writer is not None}

    @property
    def equal_length(self) -> int | None:
        """The length of the rows so far if it is the same for all of them, else None."""
        return self._longest if self._longest == self._shortest else None

    def finish(self, name: str, row_shape: tuple[int | None, ...]) -> ColumnFile:
        """Completes the files.

        Args:
            name: The name of the column.
            row_shape: The shape of a row; None in its first place if the rows differ in length.
        """
        raise NotImplementedError

    def append_lengths(self, lengths: Array) -> None:
        """Adds rows of differing lengths; their values are appended separately.

        Args:
            lengths: The length of each row along its first axis.
        """
        if self._row_ends is None:
            self._row_ends = NpyWriter(make_part_path(self.path, ROW_ENDS), np.dtype(np.int64))
        ends = self._items + np.cumsum(lengths, dtype=np.int64)
        if ends.size:
            self._items = int(ends[-1])
            self._longest = max(self._longest or 0, int(lengths.max()))
            shortest = int(lengths.min())
            self._shortest = shortest if self._shortest is None else min(self._shortest, shortest)
        self._row_ends.append(ends)

    def _append_missing(self, count: int, missing: Array | None) -> None:
        """Adds the mask of the next values; the first missing value creates the file."""
        if self._missing is None:
            if missing is None or not missing.any():
                return
            self._missing = NpyWriter(make_part_path(self.path, MISSING), np.dtype(np.bool_))
            _append_zeros(self._missing, self.values)
        mask = np.zeros(count, np.bool_) if missing is None else missing
        self._missing.append(mask)

    def _finish(
        self, name: str, dtype: str, row_shape: tuple[int | None, ...], statistics: dict[str, Any]
    ) -> ColumnFile:
        """Completes the files.

        Args:
            name: The name of the column.
            dtype: The dtype of the column.
            row_shape: The shape of a row; None in its first place if the rows differ in length.
            statistics: Other fields of `Column`.
        """
        is_ragged = bool(row_shape) and row_shape[0] is None
        if not is_ragged:
            self._drop_lengths()
        item_shape = tuple(axis for axis in row_shape if axis is not None)
        items = self.values // math.prod(item_shape)
        shapes = {VALUES: () if dtype == TEXT else item_shape}
        shapes[TEXT_ENDS] = shapes[MISSING] = item_shape
        parts = self._parts
        arrays = {
            part: _finish_array(writer, shapes.get(part, ())) for part, writer in parts.items()
        }
        rows = self._row_ends.values if is_ragged and self._row_ends is not None else items
        column = Column(
            name=name, dtype=dtype, shape=list(row_shape), longest=self._longest, **statistics
        )
        nbytes = sum(array.bytes - HEADER_BYTES for array in arrays.values())
        return ColumnFile(column, arrays, rows, nbytes)

    def _drop_lengths(self) -> None:
        """Removes the lengths of rows, which are equal."""
        if self._row_ends is not None:
            self._row_ends.path.unlink(missing_ok=True)
        self._row_ends = self._longest = None


class NumberWriter(ColumnWriter):
    """Writes numbers or booleans."""

    def __init__(
        self,
        path: Path,
        dtype: "np.dtype[Any]",
        *,
        counts_values: bool = False,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        """Opens no file yet.

        Args:
            path: The file of the values.
            dtype: The dtype of the column.
            counts_values: Whether distinct values are counted; true if each row has one number.
            shape: The shape of the whole column, if it is known: the file is then hashed while it
                is written.
        """
        self._name = name_dtype(dtype)
        self._is_bfloat16 = self._name == "bfloat16"
        super().__init__(path, np.dtype(np.uint16) if self._is_bfloat16 else dtype, shape)
        self.dtype = dtype
        self.counts_values = counts_values
        self._statistics = NumberStatistics(counts_values=counts_values)

    @property
    def values(self) -> int:
        """The number of values so far."""
        return self._values.values

    @property
    def statistics(self) -> NumberStatistics:
        """The statistics of the values so far."""
        return self._statistics

    def append(self, block: Array, missing: Array | None = None) -> None:
        """Writes values of the column's dtype, not necessarily whole rows.

        Args:
            block: The values; any value where one is missing.
            missing: A mask of the missing values; None if there is none.
        """
        block, missing = block.reshape(-1), None if missing is None else missing.reshape(-1)
        self._append_missing(block.size, missing)
        self._statistics.add(block, missing)
        if missing is not None and missing.any():
            block = block.copy()
            block[missing] = np.nan if is_float(self._name) else 0
        self._values.append(block.view(np.uint16) if self._is_bfloat16 else block)

    @property
    def dtype_name(self) -> str:
        """The dtype of the column."""
        return self._name

    def take_out(self) -> Iterator[tuple[Array, Array | None]]:
        """Yields the values so far in blocks, each with its mask; deletes their files at the end.

        Another writer may write at the same path from the first block on.
        """
        parts = [writer for writer in (self._values, self._missing) if writer is not None]
        taken = [writer.take_out() for writer in parts]
        values, masks = taken[0][1], taken[1][1] if len(taken) > 1 else None
        step = BLOCK_BYTES // values.itemsize
        for start in range(0, values.size, step):
            mask = None if masks is None else masks[start : start + step]
            yield values[start : start + step], mask
        for path, _ in taken:
            path.unlink()

    def finish(self, name: str, row_shape: tuple[int | None, ...]) -> ColumnFile:
        """Completes the files; see `ColumnWriter._finish`."""
        return self._finish(name, self._name, row_shape, self._statistics.describe())


class TextWriter(ColumnWriter):
    """Writes texts as UTF-8, one after the other."""

    def __init__(self, path: Path, *, counts_values: bool = True) -> None:
        """Opens no file yet.

        Args:
            path: The file of the bytes.
            counts_values: Whether distinct texts are counted; true if each row has one text.
        """
        super().__init__(path, np.dtype(np.uint8))
        self._text_ends = NpyWriter(make_part_path(path, TEXT_ENDS), np.dtype(np.int64))
        self._statistics = TextStatistics(counts_values=counts_values)

    @property
    def _parts(self) -> dict[str, NpyWriter]:
        return {**super()._parts, TEXT_ENDS: self._text_ends}

    @property
    def dtype_name(self) -> str:
        """The dtype of the column."""
        return TEXT

    @property
    def counts_texts(self) -> bool:
        """Whether texts are still counted one by one, so that `append` needs their counts."""
        return self._statistics.counts_texts

    @property
    def values(self) -> int:
        """The number of texts so far."""
        return self._text_ends.values

    @property
    def statistics(self) -> TextStatistics:
        """The statistics of the texts so far."""
        return self._statistics

    def append(
        self,
        lengths: Array,
        data: Array,
        counts: Mapping[str, int] | None = None,
        missing: Array | None = None,
    ) -> None:
        """Writes texts, not necessarily whole rows.

        Args:
            lengths: The number of bytes of each text; 0 where one is missing.
            data: The UTF-8 bytes of all texts, as uint8.
            counts: The distinct texts that are not missing, with the number of each, if known.
            missing: A mask of the missing texts; None if there is none.
        """
        self._append_missing(lengths.size, missing)
        self._statistics.add(lengths, data, missing, counts)
        self._text_ends.append(self._values.values + np.cumsum(lengths, dtype=np.int64))
        self._values.append(data)

    def append_texts(self, texts: Sequence[str | None]) -> None:
        """Writes texts; None where one is missing."""
        encoded = [b"" if text is None else text.encode() for text in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        counts = Counter(text for text in texts if text is not None)
        missing = np.fromiter((text is None for text in texts), np.bool_, len(texts))
        self.append(lengths, np.frombuffer(b"".join(encoded), np.uint8), counts, missing)

    def finish(self, name: str, row_shape: tuple[int | None, ...]) -> ColumnFile:
        """Completes the files; see `ColumnWriter._finish`."""
        return self._finish(name, TEXT, row_shape, self._statistics.describe())


def _finish_array(writer: NpyWriter, row_shape: tuple[int, ...]) -> WrittenArray:
    content = writer.take_small(row_shape)
    if content is not None:
        return WrittenArray(append_array(writer.path, content), len(content))
    writer.finish(row_shape)
    return WrittenArray(ArrayFile(writer.path), writer.nbytes, writer.sha256)


def _append_zeros(writer: NpyWriter, count: int) -> None:
    step = 1 << 20
    for start in range(0, count, step):
        writer.append(np.zeros(min(step, count - start), writer.dtype))
