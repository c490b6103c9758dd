"""Columns as `.npy` files, which are written block by block and read by memory map."""

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from domain.dataset import Column

Array = npt.NDArray[Any]
DTYPES = (
    "float16", "float32", "float64", "bool",
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
)  # fmt: skip
"""The dtypes of columns."""
MAX_AXES = 32
BLOCK_BYTES = 1 << 20
HEADER_BYTES = 1024
"""Bytes reserved for the header of any shape; NumPy accepts any length of the header."""


class ColumnFile(NamedTuple):
    """A column in a `.npy` file."""

    column: Column
    path: Path
    rows: int

    @property
    def nbytes(self) -> int:
        """The bytes of the array."""
        return self.rows * count_row_bytes(self.column)


class _Statistics:
    """The smallest and largest finite value, and the number of values that are not finite."""

    def __init__(self) -> None:
        self.min: float | None = None
        self.max: float | None = None
        self.not_finite = 0

    def add(self, block: Array) -> None:
        """Adds a block of values; a block without NaN and infinities takes two passes only."""
        low, high = float(block.min()), float(block.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            finite = block[np.isfinite(block)]
            self.not_finite += block.size - finite.size
            if finite.size == 0:
                return
            low, high = float(finite.min()), float(finite.max())
        self.min = low if self.min is None else min(self.min, low)
        self.max = high if self.max is None else max(self.max, high)


class NpyWriter:
    """Appends values in C order to a `.npy` file whose shape is known at its end."""

    def __init__(self, path: Path, dtype: "np.dtype[Any]") -> None:
        self.path = path
        self.dtype = dtype
        self.values = 0
        self._statistics = _Statistics()
        path.write_bytes(bytes(HEADER_BYTES))

    def append(self, block: Array) -> None:
        """Writes values of this dtype, not necessarily whole rows."""
        with self.path.open("ab") as file:
            file.write(np.ascontiguousarray(block).data)
        self._statistics.add(block)
        self.values += block.size

    def finish(self, name: str, row_shape: tuple[int, ...]) -> ColumnFile:
        """Writes the header, which completes the file.

        Args:
            name: The name of the column.
            row_shape: The shape of a row.
        """
        rows = self.values // math.prod(row_shape)
        with self.path.open("r+b") as file:
            file.write(_header(self.dtype, (rows, *row_shape)))
        column = Column(
            name=name,
            dtype=self.dtype.name,
            shape=list(row_shape),
            min=self._statistics.min,
            max=self._statistics.max,
            not_finite=self._statistics.not_finite,
        )
        return ColumnFile(column, self.path, rows)


def count_row_bytes(column: Column) -> int:
    """Returns the bytes of one row, in memory and in the file."""
    return math.prod(column.shape) * np.dtype(column.dtype).itemsize


def count_file_bytes(column: Column, rows: int) -> int:
    """Returns the size of the file of a column with this number of rows."""
    return HEADER_BYTES + rows * count_row_bytes(column)


def _header(dtype: "np.dtype[Any]", shape: tuple[int, ...]) -> bytes:
    """Returns NumPy's header, padded to `HEADER_BYTES`."""
    buffer = io.BytesIO()
    description = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    npy_format.write_array_header_1_0(buffer, description)
    magic, text = buffer.getvalue()[:8], buffer.getvalue()[10:].rstrip()
    room = HEADER_BYTES - 10
    return magic + room.to_bytes(2, "little") + text.ljust(room - 1) + b"\n"


def read_values(path: Path, dtype: "np.dtype[Any]") -> Iterator[Array]:
    """Yields the values of a file that has no header yet, in blocks of `BLOCK_BYTES`."""
    flat: Array = np.memmap(path, dtype, mode="r", offset=HEADER_BYTES)
    step = BLOCK_BYTES // flat.itemsize
    for start in range(0, flat.size, step):
        yield flat[start : start + step]
