"""Archives in the format zip, whose directory and members may be forged or damaged."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models_store.datasets.formats.faults import Faults

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compression methods that decompress in bounded steps."""
ENCRYPTED = 0x1
MOST_DIRECTORY_BYTES = 2 << 20
STEP_BYTES = 1 << 20
"""The most bytes that are read at once."""
CORRUPT = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError,
    NotImplementedError, ValueError, OverflowError,
)  # fmt: skip
"""Errors that zipfile raises at a malformed or damaged archive."""


class DamagedArchive(Exception):
    """The archive, or a member of it, cannot be read."""


@contextmanager
def open_archive(path: Path, most: int = MOST_DIRECTORY_BYTES) -> Iterator[zipfile.ZipFile]:
    """Opens an archive.

    Args:
        path: The file.
        most: The most bytes of its directory, which is in memory whole.

    Raises:
        DamagedArchive: The file is not a complete archive.
    """
    with BoundedFile(path, most) as file:
        with _raise_damaged():
            archive = zipfile.ZipFile(file)
        with archive:
            yield archive


@contextmanager
def open_body(
    path: Path, faults: Faults, damage: str, most: int = MOST_DIRECTORY_BYTES
) -> Iterator[zipfile.ZipFile]:
    """Opens the file of a body as an archive; deletes it at the end.

    Args:
        path: The file.
        faults: Stops with `damage` if the archive, or a member of it, cannot be read.
        damage: Describes a damaged archive.
        most: As `open_archive` takes it.
    """
    try:
        with open_archive(path, most) as archive:
            yield archive
    except DamagedArchive:
        faults.stop("", damage)
    path.unlink()


class Member:
    """A member of an archive, which is read in order."""

    def __init__(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        """Opens the member.

        Raises:
            DamagedArchive: Its header is damaged.
        """
        self._position = 0
        with _raise_damaged():
            self._file = archive.open(member)

    def read(self, size: int, /) -> bytes:
        """Reads bytes; fewer than asked only at the end.

        Raises:
            DamagedArchive: The member is damaged.
        """
        blocks: list[bytes] = []
        missing = size
        with _raise_damaged():
            while missing and (block := self._file.read(min(missing, STEP_BYTES))):
                blocks.append(block)
                missing -= len(block)
        self._position += size - missing
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def tell(self) -> int:
        """Returns the number of bytes read."""
        return self._position


@contextmanager
def _raise_damaged() -> Iterator[None]:
    try:
        yield
    except CORRUPT:
        raise DamagedArchive from None


class BoundedFile(io.BufferedReader):
    """A file that refuses large reads and negative offsets, which a forged directory causes."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(io.FileIO(path))
        self._most = most

    def read(self, size: int | None = -1) -> bytes:
        """Reads bytes; refuses a read of more than the directory may have."""
        bounded = self._most + 1 if size is None or size < 0 else size
        block = super().read(min(bounded, self._most + 1))
        if len(block) > self._most:
            raise zipfile.BadZipFile("the directory is too large")
        return block

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to an offset, which is not negative."""
        if whence == io.SEEK_SET and offset < 0:
            raise zipfile.BadZipFile("the offset is negative")
        return super().seek(offset, whence)


def is_ignored(member: zipfile.ZipInfo) -> bool:
    """Whether a program for archives added the entry: a folder, or a file of macOS."""
    *folders, name = member.filename.split("/")
    return member.filename.endswith("/") or "__MACOSX" in folders or name == ".DS_Store"


def is_readable(member: zipfile.ZipInfo) -> bool:
    """Whether a member is neither encrypted nor compressed in another way than deflate."""
    return not member.flag_bits & ENCRYPTED and member.compress_type in METHODS
