"""Writes a stream of bytes to files of a bounded size, and reads such files as one stream."""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from domain.errors import TooLarge
from models_store.files.hashed_file import HashedFile

PART_BYTES = 64 * 2**20
"""Largest part. A request with more bytes stores several, so that a killed server loses little."""
BLOCK_BYTES = 2**20
SYNC_BYTES = 2 * 2**20
"""Bytes after which the file is synced. A client waits until its part is on the disk."""


class Source(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Reads up to `size` bytes; returns no bytes at the end."""
        ...


class PartFile(NamedTuple):
    """A part of an upload that is written to a file; the file is not synced."""

    path: Path
    start: int
    """Place of its first byte in the upload, from 0."""
    bytes: int
    sha256: str

    @property
    def end(self) -> int:
        """Place after its last byte."""
        return self.start + self.bytes


def write_parts(
    source: Source, folder: Path, start: int, most: int, part_bytes: int = PART_BYTES
) -> Iterator[PartFile]:
    """Yields the parts of a source, each as soon as it is written.

    If the source raises an error, the bytes that it gave before are the last part. The error is
    raised when the caller asks for the next part.

    Args:
        source: The bytes.
        folder: The folder of the files.
        start: Place of the first byte in the upload.
        most: The most bytes that the upload may have.
        part_bytes: Size of each part except the last.

    Raises:
        TooLarge: The source has more bytes than `most - start`.
    """
    reader = _Reader(source)
    while not reader.is_at_end:
        file = _write_part(reader, folder, start, most, part_bytes)
        if file.bytes:
            yield file
        start = file.end
    if reader.error is not None:
        raise reader.error


class _Reader:
    """Reads a source, and keeps the error that ends it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.is_at_end = False
        self.error: Exception | None = None

    def read(self, size: int) -> bytes:
        try:
            block = self._source.read(size)
        except Exception as error:
            self.error = error
            block = b""
        self.is_at_end = not block
        return block


def _write_part(reader: _Reader, folder: Path, start: int, most: int, part_bytes: int) -> PartFile:
    path = folder / str(start)
    file, size = HashedFile(path, SYNC_BYTES), 0
    while size < part_bytes and (block := reader.read(min(BLOCK_BYTES, part_bytes - size))):
        size += len(block)
        if start + size > most:
            raise TooLarge(f"The upload has at most {most} bytes; the request has more.")
        file.write(block)
    return PartFile(path, start, size, file.finish())


class JoinedFiles:
    """Reads files one after another as one stream."""

    def __init__(self, paths: Sequence[Path], on_read: Callable[[int], None]) -> None:
        """Opens no file yet.

        Args:
            paths: The files in their order.
            on_read: Called with the number of bytes that were read so far.
        """
        self._paths = iter(paths)
        self._on_read = on_read
        self._file: io.BufferedReader | None = None
        self._position = 0

    def read(self, size: int, /) -> bytes:
        """Reads `size` bytes, fewer at the end of the last file.

        Where one file ends and the next begins does therefore not show, and statistics that are
        computed block by block have the same bits.
        """
        blocks: list[bytes] = []
        missing = size
        while missing and (block := self._read_some(missing)):
            blocks.append(block)
            missing -= len(block)
        if blocks:
            self._position += size - missing
            self._on_read(self._position)
        return b"".join(blocks)

    def _read_some(self, size: int) -> bytes:
        """Reads up to `size` bytes of one file; returns no bytes at the end of the last file."""
        while True:
            block = b"" if self._file is None else self._file.read(size)
            if block:
                return block
            self._close()
            path = next(self._paths, None)
            if path is None:
                return b""
            self._file = path.open("rb")

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
