"""The format of NumPy's `.npy` files, whose stream is checked and copied into a column."""

import io
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.columns.npy import (
    BLOCK_BYTES,
    DTYPES,
    MAX_AXES,
    Array,
)
from models_store.datasets.columns.writer import NumberWriter
from models_store.datasets.formats.body import Body, Source, check_column_name
from models_store.datasets.formats.exact_stream import ExactStream, Stream
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.format import Format

HEADER_ERRORS = (
    ValueError, TypeError, LookupError, SyntaxError, TokenError, RecursionError, MemoryError,
)  # fmt: skip
"""Errors that NumPy raises at a malformed header, since it evaluates a Python literal."""
DEFAULT_COLUMN = "x"
MOST_HEADER_BYTES = 10_000
"""Length of a header up to which NumPy reads it."""
_KINDS = {
    "O": "Python objects",
    "U": "text",
    "S": "bytes",
    "V": "records or raw bytes",
    "c": "complex numbers",
    "M": "dates",
    "m": "time spans",
}


_MAGIC_BYTES = len(npy_format.MAGIC_PREFIX) + 2
_LENGTH_BYTES = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
"""Bytes that state the length of a header, by version."""
_HEADER_READERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
    (3, 0): npy_format.read_array_header_2_0,
}
"""NumPy's readers by version. Only names of records, which no column has, differ in 3.0."""


class Unreadable(Exception):
    """The array cannot become a column; `detail` is a predicate, such as "has 33 axes"."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: "np.dtype[Any]"


def read(source: Source, folder: Path, limit: int, options: ReadOptions = DEFAULT_OPTIONS) -> Body:
    """Reads an array into one column.

    Args:
        source: The body.
        folder: An empty folder for the files.
        limit: Unused: the body has the bytes of the array.
        options: The name of the column.

    Raises:
        Invalid: The body is no array that can be a column.
    """
    name = options.column or DEFAULT_COLUMN
    faults = Faults()
    check_column_name(name, 0, faults)
    faults.check()
    try:
        return Body(None, [import_npy(ExactStream(source), None, folder / "0.npy", name)])
    except Unreadable as unreadable:
        faults.stop("", f"The array {unreadable.detail}.")


def import_npy(source: Stream, size: int | None, path: Path, name: str) -> ColumnFile:
    """Copies an array into a column, in native byte order and C order.

    Args:
        source: The stream.
        size: The bytes of the stream, by the directory of the archive; None if they are unknown.
        path: The new file.
        name: The name of the column.

    Raises:
        Unreadable: The stream is not an array of numbers or booleans with at least one row.
    """
    header = _read_header(source)
    _check_size(header, None if size is None else size - source.tell())
    dtype, counts_values = header.dtype.newbyteorder("="), len(header.shape) == 1
    writer = NumberWriter(path, dtype, counts_values=counts_values, shape=header.shape)
    for block in _read_blocks(source, header, path):
        writer.append(to_native(block))
    if source.read(1):
        raise Unreadable("has more bytes than its shape needs")
    return writer.finish(name, header.shape[1:])


def _check_size(header: _Header, present: int | None) -> None:
    needed = math.prod(header.shape) * header.dtype.itemsize
    if present not in (None, needed):
        raise Unreadable(f"has {present} bytes of values where its shape needs {needed}")


def _read_header(source: Stream) -> _Header:
    """Reads a header of format 1.0, 2.0 (longer) or 3.0 (as 2.0, with names in UTF-8)."""
    try:
        start = source.read(_MAGIC_BYTES + _LENGTH_BYTES[1, 0])
        magic, length = start[:_MAGIC_BYTES], start[_MAGIC_BYTES:]
        version = _read_version(magic)
        length += source.read(_LENGTH_BYTES[version] - len(length))
        size = int.from_bytes(length, "little")
        if size > MOST_HEADER_BYTES:
            raise Unreadable(f"has a header of {size} bytes; at most {MOST_HEADER_BYTES} are read")
        return _parse_header(version, length + source.read(size))
    except HEADER_ERRORS:
        raise Unreadable("does not begin with the header of a .npy file") from None


@lru_cache
def _read_version(magic: bytes) -> tuple[int, int]:
    version: tuple[int, int] = npy_format.read_magic(io.BytesIO(magic))
    return version


@lru_cache
def _parse_header(version: tuple[int, int], text: bytes) -> _Header:
    """Returns the header of an array; the columns of a dataset often have equal headers.

    Raises:
        Unreadable: The array cannot be a column.
    """
    read = _HEADER_READERS[version]
    header = _Header(*read(io.BytesIO(text)))
    _check_shape(header.shape)
    _check_dtype(header.dtype)
    return header


def _check_shape(shape: tuple[int, ...]) -> None:
    if not shape:
        raise Unreadable("is a single value; a column needs rows")
    if min(shape) < 1:
        raise Unreadable(f"has shape {shape}, which holds no values")
    if len(shape) > MAX_AXES:
        raise Unreadable(f"has {len(shape)} axes; at most {MAX_AXES} can be stored")


def _check_dtype(dtype: "np.dtype[Any]") -> None:
    if dtype.name not in DTYPES:
        content = _KINDS.get(dtype.kind, "values")
        raise Unreadable(
            f"holds {content} (dtype {_name(dtype)}); a column's dtype is one of "
            f"{', '.join(DTYPES)}"
        )


def _name(dtype: "np.dtype[Any]") -> str:
    """Returns the name of a dtype, and that of the type in C if NumPy's depends on the machine."""
    aliases = {np.dtype(np.longdouble): "longdouble", np.dtype(np.clongdouble): "clongdouble"}
    alias = aliases.get(dtype.newbyteorder("="))
    return f"{dtype.name}, {alias}" if alias else dtype.name


def _read_blocks(source: Stream, header: _Header, path: Path) -> Iterator[Array]:
    if header.fortran_order and len(header.shape) > 1:
        return _reorder(source, header, path.with_suffix(".fortran"))
    count = math.prod(header.shape)
    step = BLOCK_BYTES // header.dtype.itemsize
    sizes = (min(step, count - start) for start in range(0, count, step))
    return (_read_exactly(source, size, header.dtype) for size in sizes)


def _read_exactly(source: Stream, count: int, dtype: "np.dtype[Any]") -> Array:
    block = source.read(count * dtype.itemsize)
    if len(block) < count * dtype.itemsize:
        raise Unreadable("ends before its last value")
    return np.frombuffer(block, dtype)


def _reorder(source: Stream, header: _Header, temporary: Path) -> Iterator[Array]:
    """Yields the values of an array in Fortran order, in C order, by a temporary file."""
    left = math.prod(header.shape) * header.dtype.itemsize
    with temporary.open("wb") as file:
        while left:
            block = source.read(min(left, BLOCK_BYTES))
            if not block:
                raise Unreadable("ends before its last value")
            left -= file.write(block)
    array = np.memmap(temporary, header.dtype, mode="r", shape=header.shape, order="F")
    step = BLOCK_BYTES // header.dtype.itemsize
    with np.nditer(array, ["external_loop", "buffered"], order="C", buffersize=step) as blocks:
        for values in blocks:
            yield np.array(values)  # a copy, since the iterator uses its buffer again
    temporary.unlink()


def to_native(block: Array) -> Array:
    """Converts values to native byte order; any byte but 0 is true."""
    if block.dtype == np.bool_:
        return np.not_equal(block.view(np.uint8), 0)
    return block.astype(block.dtype.newbyteorder("="), copy=False)


FORMAT = Format(
    media_type="application/x-npy",
    schema={
        "type": "string",
        "format": "binary",
        "description": "What `numpy.save` writes: the array is a column.",
    },
    read=read,
    options=("column",),
)
