"""A column whose dtype shows only as its values come."""

from pathlib import Path
from typing import Any

import numpy as np

from models_store.datasets.formats.npy import Array, NpyWriter, Written, values_of
from models_store.datasets.formats.numbers import MIXED, Misfit, Number, as_float64, cast, natural

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
        self._of_booleans: bool | None = None
        self._of_fractions = False
        self._first_too_large: int | None = None

    @property
    def values(self) -> int:
        """How many there are so far."""
        return 0 if self._writer is None else self._writer.values

    def append(self, values: list[Number]) -> None:
        """Takes in values, in C order.

        Raises:
            Misfit: one of them (its index in `values`) cannot be kept.
        """
        array = natural(values)
        self._refuse_mixed(array)
        array = self._kept(array) if self._wanted is None else cast(array, self._wanted)
        if self._writer is None:
            self._writer = NpyWriter(self._path, array.dtype)
        elif array.dtype.kind == "f" and self._writer.dtype.kind == "i":
            self._rewrite(self._writer, array.dtype)
        self._writer.append(array.astype(self._writer.dtype, copy=False))

    def _refuse_mixed(self, array: Array) -> None:
        booleans = array.dtype == np.bool_
        if self._of_booleans not in (None, booleans):
            raise Misfit(0, MIXED)
        self._of_booleans = booleans

    def _kept(self, array: Array) -> Array:
        """As bool, int64 or float64; whole numbers beyond int64 hope for a fraction to come."""
        if array.dtype.kind in "uO":
            if self._first_too_large is None:
                self._first_too_large = self.values + _first_beyond_int64(array)
            return as_float64(array)
        self._of_fractions |= array.dtype.kind == "f"
        return array

    def _rewrite(self, source: NpyWriter, dtype: "np.dtype[Any]") -> None:
        """Puts the values so far into another dtype."""
        old = source.path.replace(source.path.with_suffix(".old"))
        writer = self._writer = NpyWriter(source.path, dtype)
        for block in values_of(old, source.dtype):
            try:
                writer.append(cast(block, dtype))
            except Misfit as misfit:
                raise Misfit(writer.values + misfit.index, misfit.detail) from None
        old.unlink()

    def finish(
        self, name: str, row_shape: tuple[int, ...], wanted: "np.dtype[Any] | None"
    ) -> Written:
        """Completes the file, in a dtype that was asked for only after the values had come too.

        Raises:
            Misfit: a value (its index in the whole column) does not fit.
        """
        assert self._writer is not None, "a column without values"
        if self._first_too_large is not None and not self._of_fractions:
            raise Misfit(self._first_too_large, TOO_LARGE)
        if wanted is not None and wanted != self._writer.dtype:
            self._rewrite(self._writer, wanted)
        return self._writer.finish(name, row_shape)


def _first_beyond_int64(array: Array) -> int:
    return next(i for i, value in enumerate(array.tolist()) if not -(2**63) <= value < 2**63)
