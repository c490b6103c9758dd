"""A file elsewhere, open at a place, and the errors of fetching it."""

from collections.abc import Iterator
from typing import NamedTuple


class CannotFetch(Exception):
    """The file cannot be fetched by any attempt. The text is for the client."""


class FetchInterrupted(Exception):
    """The file cannot be fetched just now. The text is for the client."""


class Remote(NamedTuple):
    """A file elsewhere, open for reading."""

    start: int
    """Place of the first byte that is read: the one that was asked for, or 0."""
    total: int | None
    """Bytes of the whole file; None if the server does not tell."""
    validator: str | None
    """Strong entity tag of the file; None if it has none. The file does not change under it."""
    media_type: str
    """The Content-Type that the server states; empty if it states none."""
    blocks: Iterator[bytes]
    """The bytes from `start` to the end. It raises FetchInterrupted if the connection breaks."""


class RemoteStream:
    """Reads an open file as a stream."""

    def __init__(self, remote: Remote) -> None:
        self._blocks = remote.blocks
        self._rest = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Reads up to `size` bytes; returns no bytes at the end.

        Raises:
            FetchInterrupted: The connection broke.
        """
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._rest = memoryview(block)
        part, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return part
