"""Reads a body in pieces of any size, from blocks of a size that suits its source."""

from typing import Protocol

from models_store.datasets.columns.npy import BLOCK_BYTES
from models_store.datasets.formats.body import Source

LARGE_BYTES = 1 << 17
"""Bytes of a piece from which on it is a block of its own, which is not copied."""


class Stream(Protocol):
    """A stream that returns fewer bytes than asked only at its end."""

    def read(self, size: int, /) -> bytes:
        """Reads bytes."""
        ...

    def tell(self) -> int:
        """Returns the number of bytes read."""
        ...


class ExactStream:
    """A body whose reads return as many bytes as asked, or all that are left."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._block = b""
        self._start = 0
        """The bytes of the block that have been read."""
        self._position = 0

    def read(self, size: int, /) -> bytes:
        """Reads bytes; fewer than asked only at the end."""
        start, end = self._start, self._start + size
        if end <= len(self._block):
            self._start, self._position = end, self._position + size
            return self._block[start:end]
        whole = self._complete(self._take(size), size)
        self._position += len(whole)
        return whole

    def _complete(self, first: bytes, size: int) -> bytes:
        parts, missing = [first], size - len(first)
        while missing and self._fill(missing):
            parts.append(self._take(missing))
            missing -= len(parts[-1])
        return b"".join(parts)

    def _take(self, most: int) -> bytes:
        start = self._start
        self._start = min(start + most, len(self._block))
        return self._block[start : self._start]

    def _fill(self, size: int) -> bool:
        """Reads the next block; returns False at the end."""
        self._block = self._source.read(size if size >= LARGE_BYTES else BLOCK_BYTES)
        self._start = 0
        return bool(self._block)

    def tell(self) -> int:
        """Returns the number of bytes read."""
        return self._position
