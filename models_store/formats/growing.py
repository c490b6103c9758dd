"""A column whose dtype shows only as its values come."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from models_store.formats.npy import Array, NpyWriter, Written, blocks
from models_store.formats.numbers import Misfit, Number, as_float64, cast, natural

TOO_LARGE = (
    "This whole number is beyond int64. For a column of uint64 say so in `dtypes`, "
    "which must then come before `columns`."
)


class GrowingColumn:
    """Booleans, whole numbers until a fraction comes, or the dtype that was asked for."""

    def __init__(self, path: Path, wanted: "np.dtype[Any] | None") -> None:
        self._path = path
        self._wanted = wanted
        self._writer: NpyWriter | None = None
        self._first_too_large: int | None = None
        self._fractions = False

    @property
    def written(self) -> int:
        """How many values there are so far."""
        return 0 if self._writer is None else self._writer.values

    def append(self, values: list[Number]) -> None:
        """Takes in values, in C order.

        Raises:
            Misfit: one of them (its index in `values`) cannot be kept.
        """
        array = natural(values)
        array = self._natural(array) if self._wanted is None else cast(array, self._wanted)
        if self._writer is None:
            self._writer = NpyWriter(self._path, array.dtype, ())
        if array.dtype.kind == "f" and self._writer.dtype.kind == "i":
            self._writer = self._rewritten(self._writer, array.dtype)
        self._writer.append(array.astype(self._writer.dtype, copy=False))

    def _natural(self, array: Array) -> Array:
        """Bool, int64 or float64; whole numbers beyond int64 are noted, for want of fractions."""
        if array.dtype.kind in "uO":
            beyond = next(i for i, value in enumerate(array.tolist()) if abs(value) >= 2**63)
            if self._first_too_large is None:
                self._first_too_large = self.written + beyond
            array = as_float64(array)
        else:
            self._fractions |= array.dtype.kind == "f"
        if self._writer is not None and (array.dtype == bool) != (self._writer.dtype == bool):
            raise Misfit(0, "Booleans and numbers are mixed; a column holds one or the other.")
        return array

    def finish(
        self, name: str, row_shape: tuple[int, ...], wanted: "np.dtype[Any] | None"
    ) -> Written:
        """Closes the file, in the dtype that was asked for after the values had come.

        Raises:
            Misfit: a value (its index in the whole column) does not fit.
        """
        writer = self._writer
        assert writer is not None
        if self._first_too_large is not None and not self._fractions:
            raise Misfit(self._first_too_large, TOO_LARGE)
        if wanted is not None and writer.dtype != wanted:
            writer = self._writer = self._rewritten(writer, wanted)
        writer.row_shape = row_shape
        return writer.finish(name)
