"""A column on disk: a `.npy` array of its values, and others if values are missing or have lengths.

| part | array | when |
| --- | --- | --- |
| `values` | the values in C order, or the UTF-8 bytes of texts; 0 or NaN if missing | always |
| `text_ends` | int64, the end of each text in `values` | the column holds text |
| `row_ends` | int64, the end of each row in items of its first axis | rows differ in length |
| `missing` | bool, by value | a value is missing |
| `rows` | int64, the index of each row | the column has some rows of these files |
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from domain.dataset import Column, FilePlace

VALUES = "values"
TEXT_ENDS = "text_ends"
ROW_ENDS = "row_ends"
MISSING = "missing"
ROWS = "rows"
COLUMNS_OF_FILE = 256
"""Columns whose small arrays share a file; a job may need one of them."""
SMALL_BYTES = 1 << 18
"""Bytes of the values of an array that may share a file."""
ALIGNMENT = 64
"""Each array begins at a multiple of it, as NumPy and TensorFlow prefer."""
PARTS = (VALUES, TEXT_ENDS, ROW_ENDS, MISSING)


class ArrayFile(NamedTuple):
    """An array on this machine's disk: a whole `.npy` file, or a part of a file."""

    path: Path
    offset: int = 0
    """The bytes of the file before the array."""


class WrittenArray(NamedTuple):
    """An array that is complete."""

    file: ArrayFile
    bytes: int
    """Its bytes with its header."""
    sha256: str | None = None
    """The hash of its file, if the file was hashed while it was written."""


class ColumnFile(NamedTuple):
    """A column that was written to files."""

    column: Column
    arrays: dict[str, WrittenArray]
    """The array of each part that the column has."""
    rows: int
    nbytes: int
    """The bytes of the values of all its arrays."""

    @property
    def files(self) -> dict[str, ArrayFile]:
        """The file of each part."""
        return {part: array.file for part, array in self.arrays.items()}


def make_part_path(path: Path, part: str) -> Path:
    """Returns the path of a part, from the path of the values (`0.npy`)."""
    return path if part == VALUES else path.with_suffix(f".{part}.npy")


def get_offset(place: FilePlace | None) -> int:
    """Returns the bytes before an array in its file; 0 if it has a file of its own."""
    return 0 if place is None else place.offset


def append_array(path: Path, content: bytes) -> ArrayFile:
    """Appends an array to a file that small arrays of neighbouring columns share.

    Creating a file takes longer than anything else that is done with a small column. The arrays of
    a dataset are appended one after another.

    Args:
        path: The path that the array would have if it had a file of its own.
        content: The array with its header.
    """
    column = path.name.partition(".")[0]
    group = int(column) // COLUMNS_OF_FILE if column.isdecimal() else 0
    shared = _make_shared_path(path.parent, group)
    descriptor = os.open(shared, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        offset = end + -end % ALIGNMENT
        _write_at(descriptor, content, offset)
    finally:
        os.close(descriptor)
    return ArrayFile(shared, offset)


@lru_cache
def _make_shared_path(folder: Path, group: int) -> Path:
    """Returns the path of the shared file of a group of columns; one is made for many arrays."""
    return folder / f"shared-{group}.bin"


def _write_at(descriptor: int, content: bytes, offset: int) -> None:
    """Writes all bytes; a nearly full disk takes only some of them at once."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written
