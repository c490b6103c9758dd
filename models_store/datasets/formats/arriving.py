"""Reads members of a zip archive while it arrives, before its directory, which is at its end."""

import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from models_store.datasets.formats.archive import ENCRYPTED
from models_store.datasets.formats.body import MAX_COLUMNS, Source
from models_store.datasets.formats.exact_stream import ExactStream

STEP_BYTES = 1 << 20
_HEADER = struct.Struct("<4s5H3I2H")
_SIGNATURE = b"PK\x03\x04"
_SIZE_FOLLOWS = 0x8
_PATCH = 0x20
_UTF8 = 0x800
_ZIP64 = 1
_IN_ZIP64 = 0xFFFFFFFF


class LocalHeader(NamedTuple):
    """The header before a member."""

    name: str
    size: int
    """The bytes of the member as they are in the archive."""
    is_stored: bool
    """Whether the bytes are neither compressed nor encrypted."""


class ArrivingMember:
    """A member that is not compressed, which is read in order while it arrives."""

    def __init__(self, stream: ExactStream, header: LocalHeader) -> None:
        self.name = header.name
        self.size = header.size
        self._stream = stream
        self.left = header.size
        """The bytes that have not been read."""
        self._crc = 0

    def read(self, size: int, /) -> bytes:
        """Reads bytes; fewer than asked only at the end of the member or of the archive."""
        if not self.left:
            return b""
        block = self._stream.read(min(size, self.left))
        self.left -= len(block)
        self._crc = zlib.crc32(block, self._crc)
        return block

    def tell(self) -> int:
        """Returns the number of bytes read."""
        return self.size - self.left

    def matches(self, member: zipfile.ZipInfo) -> bool:
        """Whether the directory describes the member as it arrived; it was read to its end."""
        described = member.orig_filename, member.file_size, member.compress_size, member.CRC
        return (
            described == (self.name, self.size, self.size, self._crc)
            and member.compress_type == zipfile.ZIP_STORED
            and not member.flag_bits & ENCRYPTED
        )


def spool_rest(
    source: Source,
    path: Path,
    is_wanted: Callable[[LocalHeader], bool],
    take: Callable[[ArrivingMember], None],
) -> dict[int, ArrivingMember]:
    """Gives members of an archive to a function, and writes all other bytes to a file.

    The file has each byte in its place, and holes where the members with their headers were. It
    can be opened as an archive. A member whose header does not state its size is written to it,
    and so are all members after it.

    Args:
        source: The archive.
        path: The new file.
        is_wanted: Whether a member is given to `take`, if it is not compressed.
        take: Reads a member; what it leaves is skipped.

    Returns:
        The members that were taken, by the places of their headers.
    """
    stream = ExactStream(source)
    taken: dict[int, ArrivingMember] = {}
    with path.open("wb") as file:
        while True:
            place = stream.tell()
            raw, header = _read_header(stream)
            if header is None or len(taken) >= MAX_COLUMNS:
                break
            member = ArrivingMember(stream, header)
            if header.is_stored and is_wanted(header):
                take(member)
                taken[place] = member
                while member.left and member.read(STEP_BYTES):
                    pass
            else:
                file.seek(place)
                file.write(raw)
                while block := member.read(STEP_BYTES):
                    file.write(block)
        file.seek(place)
        file.write(raw)
        while block := stream.read(STEP_BYTES):
            file.write(block)
        file.truncate(stream.tell())
    return taken


def _read_header(stream: ExactStream) -> tuple[bytes, LocalHeader | None]:
    """Returns the bytes of a header, and what it states; None if it does not state it."""
    start = stream.read(_HEADER.size)
    if len(start) < _HEADER.size or not start.startswith(_SIGNATURE):
        return start, None
    _, _, flags, method, _, _, _, packed, size, name_bytes, extra_bytes = _HEADER.unpack(start)
    name, extra = stream.read(name_bytes), stream.read(extra_bytes)
    raw = start + name + extra
    if flags & (_SIZE_FOLLOWS | _PATCH):
        return raw, None
    if _IN_ZIP64 in (packed, size):
        found = _find_zip64_sizes(extra)
        if found is None or packed != size:
            return raw, None
        size, packed = found
    is_stored = method == zipfile.ZIP_STORED and packed == size and not flags & ENCRYPTED
    text = name.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    return raw, LocalHeader(text, packed, is_stored)


def _find_zip64_sizes(extra: bytes) -> tuple[int, int] | None:
    """Returns the size of a member and its size in the archive, from the extra fields."""
    start = 0
    while start + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, start)
        if kind == _ZIP64 and length >= 16 and start + 20 <= len(extra):
            size, packed = struct.unpack_from("<2Q", extra, start + 4)
            return size, packed
        start += 4 + length
    return None
