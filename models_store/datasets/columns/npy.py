"""`.npy` files, which are written block by block and read by memory map."""

import io
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from models_store.files.hashed_file import HashedFile

Array = npt.NDArray[Any]
DTYPES = (
    "float16", "float32", "float64", "bool",
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
)  # fmt: skip
"""The dtypes that `.npy` files of clients may have."""
MAX_AXES = 32
BLOCK_BYTES = 1 << 20
SMALL_BYTES = 1 << 12
"""Bytes of values up to which an array of unknown shape stays in memory until its end."""
KNOWN_BYTES = 1 << 18
"""Bytes of values up to which an array of a known shape stays in memory until its end."""
HEADER_BYTES = 1024
"""Bytes reserved for the header of any shape; NumPy accepts any length of the header."""


class NpyWriter:
    """Appends values in C order to a `.npy` file whose shape is known at its end, or before.

    A small file stays in memory until its end, so that it is opened once.
    """

    def __init__(
        self, path: Path, dtype: "np.dtype[Any]", shape: tuple[int, ...] | None = None
    ) -> None:
        """Opens no file yet.

        Args:
            path: The new file.
            dtype: The dtype of the values.
            shape: The shape of the whole array, if it is known: the header is then written first,
                and the file of a large array is hashed while it is written.
        """
        self.path = path
        self.dtype = dtype
        self.values = 0
        self.sha256: str | None = None
        """The hash of a file that is complete, if it is known."""
        self._start = bytes(HEADER_BYTES) if shape is None else _header(dtype, shape)
        known = 0 if shape is None else math.prod(shape) * dtype.itemsize
        self._file = HashedFile(path) if known > KNOWN_BYTES else None
        """The file of a large array of a known shape."""
        if self._file is not None:
            self._file.write(self._start)
        self._most = SMALL_BYTES if shape is None else KNOWN_BYTES
        self._unwritten: list[bytes] | None = []
        """The values of a small array; None if the file has them."""
        self._unwritten_bytes = 0

    def append(self, block: Array) -> None:
        """Writes values of this dtype, not necessarily whole rows.

        The caller does not change them any more if the shape of the array was known.
        """
        if self._file is not None:
            self._file.write(np.ascontiguousarray(block).view(np.uint8).data)
        elif self._unwritten is not None and self._unwritten_bytes + block.nbytes <= self._most:
            self._unwritten.append(block.tobytes())
            self._unwritten_bytes += block.nbytes
        else:
            start = self._take_unwritten()
            with self.path.open("ab") as file:
                if start:
                    file.write(start)
                file.write(np.ascontiguousarray(block).view(np.uint8).data)
        self.values += block.size

    def flush(self) -> None:
        """Writes the values that are in memory only, with room for the header."""
        if self._file is not None:
            self._file.flush()
        elif start := self._take_unwritten():
            self.path.write_bytes(start)

    def _take_unwritten(self) -> bytes:
        """Returns what the file has in memory only; the caller writes it."""
        if self._unwritten is None:
            return b""
        start, self._unwritten = b"".join([self._start, *self._unwritten]), None
        return start

    def read(self) -> Array:
        """Returns the values so far, by memory map."""
        self.flush()
        return _map(self.path, self.dtype, self.values)

    def take_out(self) -> tuple[Path, Array]:
        """Renames the file, so that another writer can write at its path.

        Returns:
            The new path, and the values so far by memory map.
        """
        self.flush()
        moved = self.path.replace(self.path.with_suffix(".old"))
        return moved, _map(moved, self.dtype, self.values)

    def finish(self, row_shape: tuple[int, ...] = ()) -> int:
        """Writes the header, which completes the file; returns the number of rows.

        Args:
            row_shape: The shape of a row.
        """
        rows = self.values // math.prod(row_shape)
        header = _header(self.dtype, (rows, *row_shape))
        if self._file is not None:
            assert header == self._start, "the array has the shape that was known"
            self.sha256 = self._file.finish()
        elif self._unwritten is not None:
            self.path.write_bytes(b"".join([header, *self._unwritten]))
        else:
            with self.path.open("r+b") as file:
                file.write(header)
        return rows

    def take_small(self, row_shape: tuple[int, ...] = ()) -> bytes | None:
        """Returns the whole array if it is in memory only, so that no file is created.

        Args:
            row_shape: The shape of a row.
        """
        if self._unwritten is None or self._file is not None:
            return None
        shape = (self.values // math.prod(row_shape), *row_shape)
        content = b"".join([_header(self.dtype, shape), *self._unwritten])
        self._unwritten = None
        return content

    @property
    def nbytes(self) -> int:
        """The bytes of the array so far, with its header."""
        return HEADER_BYTES + self.values * self.dtype.itemsize


@lru_cache
def _header(dtype: "np.dtype[Any]", shape: tuple[int, ...]) -> bytes:
    """Returns NumPy's header, padded to `HEADER_BYTES`."""
    buffer = io.BytesIO()
    description = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    npy_format.write_array_header_1_0(buffer, description)
    magic, text = buffer.getvalue()[:8], buffer.getvalue()[10:].rstrip()
    room = HEADER_BYTES - 10
    return magic + room.to_bytes(2, "little") + text.ljust(room - 1) + b"\n"


def map_array(path: Path, offset: int = 0) -> Array:
    """Maps the array at an offset of a file, which begins with its header, into memory."""
    with path.open("rb") as file:
        file.seek(offset)
        npy_format.read_magic(file)
        shape, _, dtype = npy_format.read_array_header_1_0(file)
        if 0 in shape:
            return np.empty(shape, dtype)
        return np.memmap(file, dtype, mode="r", offset=file.tell(), shape=shape)


def _map(path: Path, dtype: "np.dtype[Any]", values: int) -> Array:
    if not values:  # an empty file cannot be mapped
        return np.empty(0, dtype)
    return np.memmap(path, dtype, mode="r", offset=HEADER_BYTES)
