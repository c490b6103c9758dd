"""A column whose dtype is inferred while its values arrive."""

from pathlib import Path
from typing import Any

import numpy as np

from models_store.datasets.formats.npy import Array, ColumnFile, NpyWriter, read_values
from models_store.datasets.formats.numbers import (
    MIXED,
    InvalidValue,
    Number,
    cast,
    to_array,
    to_float64,
)

TOO_LARGE = (
    "This integer is beyond int64. For a uint64 column, set its dtype in `dtypes`, "
    "and send `dtypes` before `columns`."
)


class GrowingColumn:
    """Writes values as bool, int64 or float64, or in the requested dtype.

    A column of integers becomes float64 at its first fraction.
    """

    def __init__(self, path: Path, dtype: "np.dtype[Any] | None") -> None:
        self._path = path
        self._dtype = dtype
        self._writer: NpyWriter | None = None
        self._has_booleans: bool | None = None
        self._has_fractions = False
        self._first_too_large: int | None = None

    @property
    def values(self) -> int:
        """The number of values so far."""
        return 0 if self._writer is None else self._writer.values

    def append(self, values: list[Number]) -> None:
        """Appends values, in C order.

        Raises:
            InvalidValue: A value cannot be stored; the index counts in `values`.
        """
        array = to_array(values)
        self._check_not_mixed(array)
        array = self._infer(array) if self._dtype is None else cast(array, self._dtype)
        if self._writer is None:
            self._writer = NpyWriter(self._path, array.dtype)
        elif array.dtype.kind == "f" and self._writer.dtype.kind == "i":
            self._rewrite(self._writer, array.dtype)
        self._writer.append(array.astype(self._writer.dtype, copy=False))

    def _check_not_mixed(self, array: Array) -> None:
        booleans = array.dtype == np.bool_
        if self._has_booleans not in (None, booleans):
            raise InvalidValue(0, MIXED)
        self._has_booleans = booleans

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

    def _rewrite(self, source: NpyWriter, dtype: "np.dtype[Any]") -> None:
        """Rewrites the file in another dtype."""
        old = source.path.replace(source.path.with_suffix(".old"))
        writer = self._writer = NpyWriter(source.path, dtype)
        for block in read_values(old, source.dtype):
            try:
                writer.append(cast(block, dtype))
            except InvalidValue as invalid:
                raise InvalidValue(writer.values + invalid.index, invalid.detail) from None
        old.unlink()

    def finish(
        self, name: str, row_shape: tuple[int, ...], dtype: "np.dtype[Any] | None"
    ) -> ColumnFile:
        """Completes the file.

        Args:
            name: The name of the column.
            row_shape: The shape of a row.
            dtype: The requested dtype, if it was sent after the values; None keeps the dtype.

        Raises:
            InvalidValue: A value does not fit the dtype; the index counts in the whole column.
        """
        assert self._writer is not None, "the column has no values"
        if self._first_too_large is not None and not self._has_fractions:
            raise InvalidValue(self._first_too_large, TOO_LARGE)
        if dtype is not None and dtype != self._writer.dtype:
            self._rewrite(self._writer, dtype)
        return self._writer.finish(name, row_shape)


def _first_beyond_int64(array: Array) -> int:
    """Returns the index of the first integer beyond int64."""
    return next(i for i, value in enumerate(array.tolist()) if not -(2**63) <= value < 2**63)
