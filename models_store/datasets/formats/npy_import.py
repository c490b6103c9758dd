"""Checks an uploaded `.npy` stream and copies it into a column."""

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from models_store.datasets.formats.npy import (
    BLOCK_BYTES,
    DTYPES,
    MAX_AXES,
    Array,
    ColumnFile,
    NpyWriter,
)

HEADER_ERRORS = (
    ValueError, TypeError, LookupError, SyntaxError, TokenError, RecursionError, MemoryError,
)  # fmt: skip
"""Errors that NumPy raises at a malformed header, since it evaluates a Python literal."""
_KINDS = {
    "O": "Python objects (dtype object)",
    "U": "text",
    "S": "bytes",
    "V": "records or raw bytes",
    "c": "complex numbers",
    "M": "dates",
    "m": "time spans",
}


class Unreadable(Exception):
    """The array cannot become a column; `detail` is a predicate, such as "has 33 axes"."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: "np.dtype[Any]"


def import_npy(source: IO[bytes], size: int, path: Path, name: str) -> ColumnFile:
    """Copies an array into a column, in native byte order and C order.

    Args:
        source: The stream.
        size: The bytes of the stream, by the directory of the archive.
        path: The new file.
        name: The name of the column.

    Raises:
        Unreadable: The stream is not an array of numbers or booleans with at least one row.
    """
    header = _read_header(source)
    _check_shape(header.shape)
    _check_dtype(header.dtype)
    present = size - source.tell()
    if present != (needed := math.prod(header.shape) * header.dtype.itemsize):
        raise Unreadable(f"has {present} bytes of values where its shape needs {needed}")
    writer = NpyWriter(path, header.dtype.newbyteorder("="))
    for block in _read_blocks(source, header, path.with_suffix(".fortran")):
        writer.append(_to_native(block))
    return writer.finish(name, header.shape[1:])


def _read_header(source: IO[bytes]) -> _Header:
    """Reads a header of format 1.0; later formats are for records with many or non-ASCII fields."""
    try:
        if npy_format.read_magic(source) != (1, 0):
            raise Unreadable(f"holds {_KINDS['V']}; only numbers and booleans can be stored")
        return _Header(*npy_format.read_array_header_1_0(source))
    except HEADER_ERRORS:
        raise Unreadable("does not begin with the header of a .npy file") from None


def _check_shape(shape: tuple[int, ...]) -> None:
    if not shape:
        raise Unreadable("is a single value; a column needs rows")
    if min(shape) < 1:
        raise Unreadable(f"has shape {shape}, which holds no values")
    if len(shape) > MAX_AXES:
        raise Unreadable(f"has {len(shape)} axes; at most {MAX_AXES} can be stored")


def _check_dtype(dtype: "np.dtype[Any]") -> None:
    if dtype.name not in DTYPES:
        content = _KINDS.get(dtype.kind, f"values of dtype {dtype.name}")
        raise Unreadable(f"holds {content}; only numbers and booleans can be stored")


def _read_blocks(source: IO[bytes], header: _Header, temporary: Path) -> Iterator[Array]:
    if header.fortran_order and len(header.shape) > 1:
        return _reorder(source, header, temporary)
    count = math.prod(header.shape)
    step = BLOCK_BYTES // header.dtype.itemsize
    sizes = (min(step, count - start) for start in range(0, count, step))
    return (_read_exactly(source, size, header.dtype) for size in sizes)


def _read_exactly(source: IO[bytes], count: int, dtype: "np.dtype[Any]") -> Array:
    block = source.read(count * dtype.itemsize)
    if len(block) < count * dtype.itemsize:
        raise Unreadable("ends before its last value")
    return np.frombuffer(block, dtype)


def _reorder(source: IO[bytes], header: _Header, temporary: Path) -> Iterator[Array]:
    """Yields the values of an array in Fortran order, in C order, by a temporary file."""
    with temporary.open("wb") as file:
        shutil.copyfileobj(source, file, BLOCK_BYTES)
    array = np.memmap(temporary, header.dtype, mode="r", shape=header.shape, order="F")
    step = BLOCK_BYTES // header.dtype.itemsize
    with np.nditer(array, ["external_loop", "buffered"], order="C", buffersize=step) as blocks:
        yield from blocks
    temporary.unlink()


def _to_native(block: Array) -> Array:
    """Converts values to native byte order; any byte but 0 is true."""
    if block.dtype == np.bool_:
        return np.not_equal(block.view(np.uint8), 0)
    return block.astype(block.dtype.newbyteorder("="), copy=False)
