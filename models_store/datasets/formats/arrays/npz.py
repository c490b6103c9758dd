"""The `.npz` format: a zip archive of `.npy` arrays without pickled objects."""

import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from domain.errors import TooLarge
from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from domain.json.pointer import pointer
from models_store.datasets.columns.classes import ColumnFiles
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.formats.archive import (
    DamagedArchive,
    Member,
    is_ignored,
    is_readable,
    open_body,
)
from models_store.datasets.formats.arrays.npy import Unreadable, import_npy
from models_store.datasets.formats.arriving import ArrivingMember, LocalHeader, spool_rest
from models_store.datasets.formats.body import Body, Source, check_column_name, check_rows
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.format import Format

SUFFIX = ".npy"
LEAST_BYTES = 64
"""Fewer bytes than any array has with its header."""


def read(source: Source, folder: Path, limit: int, options: ReadOptions = DEFAULT_OPTIONS) -> Body:
    """Reads an archive into `.npy` files, one block at a time.

    Args:
        source: The body.
        folder: An empty folder for the files.
        limit: Upper bound on the decompressed bytes of all arrays.
        options: Unused: the arrays have dtypes and shapes.

    Raises:
        Invalid: The archive breaks a rule; lists every fault found.
        TooLarge: The arrays exceed `limit`.
    """
    faults = Faults()
    path = folder / "body.zip"
    arrays = _ArrivingArrays(folder)
    members = spool_rest(source, path, _is_array, arrays.take)
    with open_body(path, faults, "The body is not a complete .npz archive.") as archive:
        columns = _read_members(archive, folder, limit, arrays.match(members), faults)
    check_rows({file.column.name: file.rows for file in columns}, faults)
    faults.check()
    return Body(None, columns)


def _is_array(header: LocalHeader) -> bool:
    is_plain = "\0" not in header.name  # a name ends there for Python
    return header.size >= LEAST_BYTES and header.name.endswith(SUFFIX) and is_plain


class _Arrived(NamedTuple):
    """A member that was read while it arrived."""

    member: ArrivingMember
    column: ColumnFile | None
    fault: str
    """Why it is no column; empty if it is one."""


class _ArrivingArrays:
    """Reads arrays while they arrive."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._columns = ColumnFiles()
        self._results: list[tuple[int | None, str]] = []
        """The index of each column; None and a reason if the array is no column."""

    def take(self, member: ArrivingMember) -> None:
        """Reads an array into a column; keeps the reason if it is no column."""
        path = self._folder / f"{len(self._results)}{SUFFIX}"
        try:
            name = member.name.removesuffix(SUFFIX)
            self._columns.add(import_npy(member, member.size, path, name))
            self._results.append((len(self._columns) - 1, ""))
        except Unreadable as unreadable:
            self._results.append((None, unreadable.detail))

    def match(self, members: Mapping[int, ArrivingMember]) -> dict[int, _Arrived]:
        """Returns the arrays by the places of their headers in the archive."""
        files = self._columns.files
        return {
            place: _Arrived(member, None if index is None else files[index], fault)
            for (place, member), (index, fault) in zip(members.items(), self._results, strict=True)
        }


def _read_members(
    archive: zipfile.ZipFile,
    folder: Path,
    limit: int,
    arrived: Mapping[int, _Arrived],
    faults: Faults,
) -> list[ColumnFile]:
    members = [member for member in archive.infolist() if not is_ignored(member)]
    if not members:
        faults.stop("", "The archive contains no arrays; a dataset has at least one column.")
    if sum(member.file_size for member in members) > limit:
        raise TooLarge(f"The decompressed arrays would exceed {limit} bytes.")
    names: set[str] = set()
    written = ColumnFiles()
    for member in members:
        name = member.filename.removesuffix(SUFFIX)
        if _is_valid_member(member, name, names, faults):
            known = arrived.get(member.header_offset)
            if known is None:
                path = folder / f"{len(arrived) + len(written)}{SUFFIX}"
                column = _read_member(archive, member, path, faults)
            else:
                column = _check_member(member, known, faults)
            if column is not None:
                names.add(name)
                written.add(column)
    return written.files


def _is_valid_member(
    member: zipfile.ZipInfo, name: str, taken: Collection[str], faults: Faults
) -> bool:
    place = pointer("columns", name)
    if not member.filename.endswith(SUFFIX):
        faults.add(place, f"'{name}' is no array; an .npz archive holds only .npy files.")
    elif not is_readable(member):
        faults.add(place, f"Column '{name}' is encrypted, or its compression is not deflate.")
    elif name in taken:
        faults.add(place, f"Column '{name}' appears twice.")
    else:
        return check_column_name(name, len(taken), faults)
    return False


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, faults: Faults
) -> ColumnFile | None:
    name = member.filename.removesuffix(SUFFIX)
    try:
        return import_npy(Member(archive, member), member.file_size, path, name)
    except Unreadable as unreadable:
        faults.add(pointer("columns", name), f"Column '{name}' {unreadable.detail}.")
    except DamagedArchive:
        faults.add(pointer("columns", name), f"Column '{name}' is damaged.")
    return None


def _check_member(member: zipfile.ZipInfo, arrived: _Arrived, faults: Faults) -> ColumnFile | None:
    """Returns the column of a member that was read, unless the directory contradicts it."""
    name = member.filename.removesuffix(SUFFIX)
    detail = arrived.fault if arrived.member.matches(member) or arrived.fault else "is damaged"
    if detail:
        faults.add(pointer("columns", name), f"Column '{name}' {detail}.")
    return None if detail else arrived.column


FORMAT = Format(
    media_type="application/x-npz",
    schema={
        "type": "string",
        "format": "binary",
        "description": "What `numpy.savez` writes: each array is a column.",
    },
    read=read,
)
