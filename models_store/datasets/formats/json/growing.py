"""A column whose dtype is inferred while its values arrive."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from typing import cast as cast_type

import numpy as np

from domain.dtype import TEXT, is_float
from models_store.datasets.columns.classes import ClassSize
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.columns.npy import Array
from models_store.datasets.columns.numbers import (
    MIXED,
    InvalidValue,
    Number,
    cast,
    find_dtype,
    to_array,
    to_float64,
)
from models_store.datasets.columns.writer import NumberWriter, TextWriter

Kind = type[bool] | type[float] | type[str]
Value = Number | str | None
"""A value of a column; None is missing."""
STEP = 1 << 16
"""Missing values that are written at once."""
TOO_LARGE = (
    "This integer is beyond int64. For a uint64 column, set its dtype in `dtypes`, "
    "and send `dtypes` before `columns`."
)
NOT_A_NUMBER = "Expected a number, not text."
NOT_TEXT = "Expected text, not a number; in a column of text each number is written in quotes."
ONLY_MISSING = "All values of this column are missing; set its dtype in `dtypes`."


class GrowingColumn:
    """Writes values as bool, int64, float64 or text, or in the requested dtype.

    A column of integers becomes float64 at its first fraction.
    """

    def __init__(self, path: Path, dtype: str | None) -> None:
        """Opens no file yet.

        Args:
            path: The file of the values.
            dtype: The requested dtype; None infers it.
        """
        self._path = path
        self._dtype = dtype
        self.counts_values = True
        """Whether distinct values are counted; false if a row has several values."""
        self._writer: NumberWriter | TextWriter | None = None
        self._kind: Kind | None = None
        """The kind of the values so far; None while all of them are missing."""
        self._has_fractions = False
        self._first_too_large: int | None = None

    @property
    def values(self) -> int:
        """The number of values so far."""
        return 0 if self._writer is None else self._writer.values

    @property
    def class_size(self) -> ClassSize:
        """The classes so far."""
        return ClassSize(True, 0, 0) if self._writer is None else self._writer.statistics.class_size

    def drop_classes(self) -> None:
        """Counts classes no longer."""
        if self._writer is not None:
            self._writer.statistics.drop_classes()

    def append(self, values: Sequence[Value]) -> None:
        """Appends values, in C order.

        Raises:
            InvalidValue: A value cannot be stored; the index counts in `values`.
        """
        first = next((i for i, value in enumerate(values) if value is not None), None)
        if first is None:
            self._append_missing(len(values))
            return
        try:
            self._append_present(values[first], values)
        except InvalidValue as invalid:
            raise InvalidValue(max(invalid.index, first), invalid.detail) from None

    def _append_present(self, first: Value, values: Sequence[Value]) -> None:
        """Appends values of which at least one is not missing."""
        if isinstance(first, str):
            self._append_texts(values)
            return
        missing = None
        if None in values:
            missing = np.fromiter((value is None for value in values), np.bool_, len(values))
            zero = _make_zero(first)
            values = [zero if value is None else value for value in values]
        self._append_numbers(_check_numbers(values), missing)

    def _append_numbers(self, values: Sequence[Number], missing: Array | None) -> None:
        self._check_kind(bool if isinstance(values[0], bool) else float)
        self.append_array(to_array(values), missing)

    def append_array(self, array: Array, missing: Array | None = None) -> None:
        """Appends a flat array of bool, int64, uint64, float64, or integers as objects.

        Args:
            array: The values.
            missing: A mask of the missing values, which are 0 or false in the array.

        Raises:
            InvalidValue: A value cannot be stored, and none was; the index counts in the array.
        """
        kind = bool if array.dtype == np.bool_ else float
        self._check_kind(kind)
        array = self._infer(array) if self._dtype is None else cast(array, find_dtype(self._dtype))
        writer = self._open_numbers(array.dtype)
        self._kind = kind
        writer.append(array.astype(writer.dtype, copy=False), missing)

    def _append_texts(self, values: Sequence[Value]) -> None:
        self._check_kind(str)
        texts = _check_texts(values)
        self._open_texts().append_texts(texts)
        self._kind = str

    def _append_missing(self, count: int) -> None:
        writer = self._open_any()
        for start in range(0, count, STEP):
            size = min(STEP, count - start)
            if isinstance(writer, TextWriter):
                writer.append_texts([None] * size)
            else:
                writer.append(np.zeros(size, writer.dtype), np.ones(size, np.bool_))

    def append_missing(self, count: int) -> None:
        """Appends values that are missing."""
        if count:
            self._append_missing(count)

    def append_lengths(self, lengths: Array) -> None:
        """Appends the lengths of rows that differ in length."""
        self._open_any().append_lengths(lengths)

    def locate_row(self, item: int) -> tuple[int, int]:
        """Returns the row of an item of rows that differ in length, and its place in the row."""
        assert self._writer is not None, "the column has a row"
        ends = self._writer.read_row_ends()
        row = int(np.searchsorted(ends, item, "right"))
        return row, item - (int(ends[row - 1]) if row else 0)

    def _check_kind(self, kind: Kind) -> None:
        if (kind is str) != (self._dtype == TEXT) and self._dtype is not None:
            raise InvalidValue(0, NOT_A_NUMBER if kind is str else NOT_TEXT)
        if self._kind in (None, kind):
            return
        if str in (kind, self._kind):
            raise InvalidValue(0, NOT_A_NUMBER if kind is str else NOT_TEXT)
        raise InvalidValue(0, MIXED)

    def _open_any(self) -> NumberWriter | TextWriter:
        """Returns the writer; if the dtype is unknown, one of integers that may be replaced."""
        if self._writer is not None:
            return self._writer
        if self._dtype == TEXT:
            return self._open_texts()
        return self._open_numbers(find_dtype(self._dtype or "int64"))

    def _open_numbers(self, dtype: "np.dtype[Any]") -> NumberWriter:
        if self._writer is None:
            self._writer = NumberWriter(self._path, dtype, counts_values=self.counts_values)
        assert isinstance(self._writer, NumberWriter), "the kind of the values has been checked"
        grows = self._kind is None or (is_float(dtype.name) and self._writer.dtype.kind == "i")
        if dtype != self._writer.dtype and grows:
            self._rewrite(self._writer, dtype)
        return self._writer

    def _open_texts(self) -> TextWriter:
        if isinstance(self._writer, TextWriter):
            return self._writer
        old = self._writer
        blocks = iter(()) if old is None else old.take_out()
        counts = [values.size for values, _ in blocks]
        self._writer = TextWriter(self._path, counts_values=self.counts_values)
        for count in counts:
            self._append_missing(count)
        if old is not None:
            self._writer.take_lengths(old)
        return self._writer

    def _infer(self, array: Array) -> Array:
        """Converts values to bool, int64 or float64.

        Integers beyond int64 become float64; `finish` refuses them if the column has no fraction.
        """
        if array.dtype.kind in "uO":
            if self._first_too_large is None:
                self._first_too_large = self.values + _first_beyond_int64(array)
            return to_float64(array)
        self._has_fractions |= array.dtype.kind == "f"
        return array

    def _rewrite(self, source: NumberWriter, dtype: "np.dtype[Any]") -> None:
        """Rewrites the file in another dtype."""
        self._writer = writer = NumberWriter(self._path, dtype, counts_values=self.counts_values)
        writer.take_lengths(source)
        for block, missing in source.take_out():
            try:
                writer.append(cast(_clear(block, missing), dtype), missing)
            except InvalidValue as invalid:
                raise InvalidValue(writer.values + invalid.index, invalid.detail) from None

    def finish(self, name: str, row_shape: tuple[int | None, ...], dtype: str | None) -> ColumnFile:
        """Completes the file.

        Args:
            name: The name of the column.
            row_shape: The shape of a row.
            dtype: The requested dtype, if it was sent after the values; None keeps the dtype.

        Raises:
            InvalidValue: A value does not fit the dtype; the index counts in the whole column.
        """
        assert self._writer is not None, "the column has rows"
        if self._first_too_large is not None and not self._has_fractions:
            raise InvalidValue(self._first_too_large, TOO_LARGE)
        if self._kind is None and (dtype or self._dtype) is None:
            raise InvalidValue(-1, ONLY_MISSING)
        if dtype is not None:
            self._convert(dtype)
        return self._writer.finish(name, row_shape)

    def _convert(self, dtype: str) -> None:
        """Converts a column to a dtype that was sent after its values."""
        if dtype == TEXT:
            if self._kind not in (None, str):
                raise InvalidValue(0, NOT_TEXT)
            self._open_texts()
        elif not isinstance(self._writer, NumberWriter):
            raise InvalidValue(0, NOT_A_NUMBER)
        elif find_dtype(dtype) != self._writer.dtype:
            self._rewrite(self._writer, find_dtype(dtype))


def _make_zero(value: Value) -> Number:
    """Returns 0 or false in the type of a number, for values that are missing."""
    return False if isinstance(value, bool) else 0 if isinstance(value, int) else 0.0


def _check_numbers(values: Sequence[Value]) -> Sequence[Number]:
    """Returns the values; raises InvalidValue at the first text."""
    if str in set(map(type, values)):
        raise InvalidValue(_find(values, lambda value: isinstance(value, str)), NOT_A_NUMBER)
    return cast_type(Sequence[Number], values)


def _check_texts(values: Sequence[Value]) -> Sequence[str | None]:
    """Returns the values; raises InvalidValue at the first number."""
    if not set(map(type, values)) <= {str, type(None)}:
        wrong = _find(values, lambda value: not isinstance(value, str | None))
        raise InvalidValue(wrong, NOT_TEXT)
    return cast_type(Sequence[str | None], values)


def _find(values: Sequence[Value], matches: Callable[[Value], bool]) -> int:
    """Returns the index of the first value that matches."""
    return next(i for i, value in enumerate(values) if matches(value))


def _clear(block: Array, missing: Array | None) -> Array:
    """Returns values with 0 where one is missing, since NaN fits no integer."""
    if missing is None or not missing.any():
        return block
    cleared = block.copy()
    cleared[missing] = 0
    return cleared


def _first_beyond_int64(array: Array) -> int:
    """Returns the index of the first integer beyond int64."""
    return next(i for i, value in enumerate(array.tolist()) if not -(2**63) <= value < 2**63)
