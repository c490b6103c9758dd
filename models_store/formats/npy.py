"""Columns as `.npy` files: written block by block, read by memory map."""

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from domain.dataset import Column
from models_store.formats.statistics import Statistics

Array = npt.NDArray[Any]
DTYPES = (
    "float16", "float32", "float64", "bool",
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
)  # fmt: skip
"""What a column may hold."""
BLOCK_BYTES = 1 << 20


class Written(NamedTuple):
    """A column on the disk."""

    column: Column
    path: Path
    rows: int

    @property
    def nbytes(self) -> int:
        """Of the array."""
        return self.rows * math.prod(self.column.shape) * np.dtype(self.column.dtype).itemsize


class NpyWriter:
    """Appends values in C order to a `.npy` file whose number of rows is known at its end."""

    def __init__(self, path: Path, dtype: "np.dtype[Any]", row_shape: tuple[int, ...]) -> None:
        self.path = path
        self.dtype = dtype
        self.row_shape = row_shape
        self.values = 0
        self.statistics = Statistics()
        self._file = path.open("wb")
        self._file.write(_header(dtype, (0, *row_shape)))

    def append(self, block: Array) -> None:
        """Writes values of this dtype, not necessarily whole rows."""
        self._file.write(np.ascontiguousarray(block).data)
        self.statistics.add(block)
        self.values += block.size

    def finish(self, name: str) -> Written:
        """Writes the true header and closes the file."""
        rows = self.values // math.prod(self.row_shape)
        self._file.seek(0)
        self._file.write(_header(self.dtype, (rows, *self.row_shape)))
        self.close()
        column = Column(
            name=name,
            dtype=self.dtype.name,
            shape=list(self.row_shape),
            min=self.statistics.min,
            max=self.statistics.max,
            not_finite=self.statistics.not_finite,
        )
        return Written(column, self.path, rows)

    def close(self) -> None:
        """Closes the file as it is."""
        self._file.close()


def _header(dtype: "np.dtype[Any]", shape: tuple[int, ...]) -> bytes:
    """As long for any number of rows: NumPy leaves room for the first axis to grow."""
    buffer = io.BytesIO()
    description = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    npy_format.write_array_header_1_0(buffer, description)
    return buffer.getvalue()


def open_npy(path: Path) -> Array:
    """The array of a file, read by memory map."""
    array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def blocks(path: Path) -> Iterator[Array]:
    """The values of a file in C order, about a MiB at a time."""
    flat = open_npy(path).reshape(-1)
    step = BLOCK_BYTES // flat.itemsize
    for start in range(0, flat.size, step):
        yield flat[start : start + step]
