"""Checks the sizes that the messages of an Arrow stream state, before pyarrow unpacks them."""

import struct
from typing import Any

import pyarrow as pa

from domain.errors import TooLarge
from models_store.datasets.formats.faults import Faults

MOST_METADATA_BYTES = 16 << 20
"""The longest header of a message; that of 4,096 columns has about 1 MiB."""
MOST_MESSAGE_BYTES = 512 << 20
"""The most bytes that a compressed record batch unpacks to."""
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2
"""Kinds of messages, by `MessageHeader` of Message.fbs."""


class Message:
    """A message whose header is a flatbuffer; see Message.fbs of Arrow."""

    def __init__(self, metadata: bytes, body: memoryview) -> None:
        """Reads nothing yet.

        Args:
            metadata: The header, which pyarrow has verified.
            body: The buffers.
        """
        self._data = metadata
        self._body = body

    def count_unpacked_bytes(self) -> int:
        """Returns the bytes of the buffers after they are unpacked; 0 if they are not packed."""
        root = self._read("<I", 0)
        kind_at, header_at = self._find_field(root, 1), self._find_field(root, 2)
        if kind_at is None or header_at is None:
            return 0
        kind = self._read("<B", kind_at)
        batch: int | None = self._follow(header_at)
        if kind == _DICTIONARY_BATCH:
            data_at = self._find_field(header_at + self._read("<I", header_at), 1)
            batch = None if data_at is None else self._follow(data_at)
        elif kind != _RECORD_BATCH:
            return 0
        if batch is None or self._find_field(batch, 3) is None:
            return 0
        return self._sum_buffers(batch)

    def _sum_buffers(self, batch: int) -> int:
        place = self._find_field(batch, 2)
        if place is None:
            return 0
        vector = self._follow(place)
        count = self._read("<I", vector)
        total = 0
        for index in range(count):
            start, length = struct.unpack_from("<qq", self._data, vector + 4 + 16 * index)
            if length >= 8:  # the first 8 bytes state the unpacked length; -1: it is not packed
                (unpacked,) = struct.unpack_from("<q", self._body, start)
                total += max(unpacked, 0)
        return total

    def _read(self, form: str, place: int) -> Any:
        return struct.unpack_from(form, self._data, place)[0]

    def _follow(self, place: int) -> int:
        return int(place + self._read("<I", place))

    def _find_field(self, table: int, field: int) -> int | None:
        """Returns the place of a field of a table; None if the table does not have it."""
        vtable = table - self._read("<i", table)
        if 4 + 2 * field >= self._read("<H", vtable):
            return None
        offset = self._read("<H", vtable + 4 + 2 * field)
        return table + offset if offset else None


def check_messages(source: pa.NativeFile, limit: int, faults: Faults) -> None:
    """Checks what the messages of a stream unpack to.

    Raises:
        Invalid: A record batch unpacks to more than memory should hold, or a header is too long.
        TooLarge: The record batches unpack to more than the limit.
    """
    total = 0
    for message in pa.ipc.MessageReader.open_stream(source):
        if message.metadata.size > MOST_METADATA_BYTES:
            detail = f"A message has a header of {message.metadata.size:,} bytes; at most "
            faults.stop("", f"{detail}{MOST_METADATA_BYTES:,} are read.")
        body = memoryview(b"") if message.body is None else memoryview(message.body)
        try:
            unpacked = Message(message.metadata.to_pybytes(), body).count_unpacked_bytes()
        except struct.error:
            raise pa.ArrowInvalid("the header of a message is damaged") from None
        total += unpacked
        if total > limit:
            raise TooLarge(f"The unpacked columns would exceed {limit} bytes.")
        if unpacked > MOST_MESSAGE_BYTES:
            detail = f"A record batch unpacks to {unpacked} bytes; at most {MOST_MESSAGE_BYTES}"
            faults.stop("", f"{detail} are unpacked. Write smaller record batches.")
