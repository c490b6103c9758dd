"""The `.npz` format: a zip archive of `.npy` arrays without pickled objects."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

from domain.errors import TooLarge
from domain.pointer import pointer
from models_store.datasets.formats.body import Body, Source, check_column_name, check_rows
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.format import Format
from models_store.datasets.formats.npy import BLOCK_BYTES, ColumnFile
from models_store.datasets.formats.npy_import import Unreadable, import_npy

SUFFIX = ".npy"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compression methods that decompress in bounded steps."""
ENCRYPTED = 0x1
MAX_READ_BYTES = 2 << 20
CORRUPT = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError,
    NotImplementedError, ValueError, OverflowError,
)  # fmt: skip
"""Errors that zipfile raises at a malformed or damaged archive."""


def read(source: Source, folder: Path, limit: int) -> Body:
    """Reads an archive into `.npy` files, one block at a time.

    Args:
        source: The body.
        folder: An empty folder for the files.
        limit: Upper bound on the decompressed bytes of all arrays.

    Raises:
        Invalid: The archive breaks a rule; lists every fault found.
        TooLarge: The arrays exceed `limit`.
    """
    faults = Faults()
    spool = folder / "body.npz"
    with spool.open("wb") as file:
        while block := source.read(BLOCK_BYTES):
            file.write(block)
    try:
        with _BoundedFile(spool) as bounded, zipfile.ZipFile(bounded) as archive:
            columns = _read_members(archive, folder, limit, faults)
    except CORRUPT:
        faults.stop("", "The body is not a complete .npz archive.")
    spool.unlink()
    check_rows({file.column.name: file.rows for file in columns}, faults)
    faults.check()
    return Body(None, columns)


class _BoundedFile(io.BufferedReader):
    """A file that refuses large reads and negative offsets, which a forged directory causes."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))

    def read(self, size: int | None = -1) -> bytes:
        bounded = MAX_READ_BYTES + 1 if size is None or size < 0 else size
        block = super().read(min(bounded, MAX_READ_BYTES + 1))
        if len(block) > MAX_READ_BYTES:
            raise zipfile.BadZipFile("the directory is too large")
        return block

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and offset < 0:
            raise zipfile.BadZipFile("the offset is negative")
        return super().seek(offset, whence)


def _read_members(
    archive: zipfile.ZipFile, folder: Path, limit: int, faults: Faults
) -> list[ColumnFile]:
    members = archive.infolist()
    if not members:
        faults.stop("", "The archive contains no arrays; a dataset has at least one column.")
    if sum(member.file_size for member in members) > limit:
        raise TooLarge(f"The decompressed arrays would exceed {limit} bytes.")
    written: dict[str, ColumnFile] = {}
    for member in members:
        name = member.filename.removesuffix(SUFFIX)
        if _is_valid_member(member, name, written, faults):
            path = folder / f"{len(written)}{SUFFIX}"
            column = _read_member(archive, member, path, faults)
            if column is not None:
                written[name] = column
    return list(written.values())


def _is_valid_member(
    member: zipfile.ZipInfo, name: str, taken: dict[str, ColumnFile], faults: Faults
) -> bool:
    place = pointer("columns", name)
    if not member.filename.endswith(SUFFIX):
        faults.add(place, f"'{name}' is no array; an .npz archive holds only .npy files.")
    elif member.flag_bits & ENCRYPTED or member.compress_type not in METHODS:
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
        with archive.open(member) as source:
            return import_npy(source, member.file_size, path, name)
    except Unreadable as unreadable:
        faults.add(pointer("columns", name), f"Column '{name}' {unreadable.detail}.")
    except CORRUPT:
        faults.add(pointer("columns", name), f"Column '{name}' is damaged.")
    return None


FORMAT = Format(
    media_type="application/x-npz",
    schema={
        "type": "string",
        "format": "binary",
        "description": "What `numpy.savez` writes: each array is a column.",
    },
    read=read,
)
