"""Arranges the arrays of a dataset in the files that are published."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from domain.dataset import Column, ColumnPart, FilePlace, make_file_name
from models_store.datasets.columns.file import (
    SMALL_BYTES,
    VALUES,
    ArrayFile,
    ColumnFile,
    WrittenArray,
    append_array,
)
from models_store.files.disk import hash_file

HASHES_AT_ONCE = 2
"""Files that are hashed at the same time."""


class StagedFile(NamedTuple):
    """A file of a dataset that is complete, but not published."""

    path: Path
    name: str
    """Its name in the folder of the dataset."""
    sha256: str
    bytes: int


class Arrangement(NamedTuple):
    """The columns of a dataset, and the files that hold their arrays."""

    columns: list[Column]
    arrays: list[dict[str, ArrayFile]]
    """The arrays of each column, by part."""
    files: list[StagedFile]


class _Array(NamedTuple):
    """An array of a column."""

    column: int
    part: str
    written: WrittenArray


def arrange(columns: Sequence[ColumnFile]) -> Arrangement:
    """Moves small arrays to files that they share, hashes all files, and names them.

    An array that is alone in its file keeps a file of its own.
    """
    arrays = [
        _Array(index, part, written)
        for index, column in enumerate(columns)
        for part, written in column.arrays.items()
    ]
    by_file: dict[Path, list[_Array]] = defaultdict(list)
    for array in map(_move_small, arrays) if len(arrays) > 1 else arrays:
        by_file[array.written.file.path].append(array)
    parts: list[dict[str, ColumnPart]] = [{} for _ in columns]
    files: list[StagedFile] = []
    hashes = _hash_files(by_file)
    for path, held in by_file.items():
        file = _describe_file(path, held, len(files), hashes[path])
        files.append(file)
        for array in held:
            parts[array.column][array.part] = _describe_array(array, file, len(held) > 1)
    return Arrangement(
        [_describe(column, found) for column, found in zip(columns, parts, strict=True)],
        _list_arrays(by_file, len(columns)),
        files,
    )


def _move_small(array: _Array) -> _Array:
    """Moves a small array from its own file to a shared one."""
    file, size, _ = array.written
    if size > SMALL_BYTES or file.path.suffix != ".npy":
        return array
    moved = append_array(file.path, file.path.read_bytes())
    file.path.unlink()
    return array._replace(written=WrittenArray(moved, size))


def _hash_files(by_file: Mapping[Path, Sequence[_Array]]) -> dict[Path, str]:
    """Returns the hash of each file, most of which were not hashed while they were written."""
    known = {path: held[0].written.sha256 for path, held in by_file.items()}
    unknown = [path for path, sha256 in known.items() if sha256 is None]
    with ThreadPoolExecutor(HASHES_AT_ONCE) as threads:
        found = dict(zip(unknown, threads.map(hash_file, unknown), strict=True))
    return {path: sha256 or found[path] for path, sha256 in known.items()}


def _describe_file(path: Path, held: Sequence[_Array], number: int, sha256: str) -> StagedFile:
    """Names a file.

    Args:
        path: The file.
        held: The arrays in it.
        number: The number of files before it.
        sha256: The hash of the file.
    """
    first = held[0]
    name = make_file_name(first.column, first.part) if len(held) == 1 else f"shared-{number}.bin"
    return StagedFile(path, name, sha256, path.stat().st_size)


def _describe_array(array: _Array, file: StagedFile, is_shared: bool) -> ColumnPart:
    place = FilePlace(file=file.name, offset=array.written.file.offset) if is_shared else None
    return ColumnPart(sha256=file.sha256, bytes=array.written.bytes, place=place)


def _describe(file: ColumnFile, parts: dict[str, ColumnPart]) -> Column:
    """Returns the column with its arrays."""
    return file.column.model_copy(update={"sha256": parts[VALUES].sha256, "parts": parts})


def _list_arrays(by_file: dict[Path, list[_Array]], columns: int) -> list[dict[str, ArrayFile]]:
    """Returns the arrays of each column, by part."""
    arrays: list[dict[str, ArrayFile]] = [{} for _ in range(columns)]
    for held in by_file.values():
        for array in held:
            arrays[array.column][array.part] = array.written.file
    return arrays
