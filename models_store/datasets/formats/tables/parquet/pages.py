"""Checks what the pages of a Parquet file state, before pyarrow unpacks them."""

import mmap
import struct
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from domain.errors import TooLarge, clip
from domain.json.pointer import pointer
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.tables.parquet.footer import ChunkPlace
from models_store.datasets.formats.tables.parquet.levels import (
    DamagedLevels,
    Starts,
    find_starts,
)
from models_store.datasets.formats.tables.parquet.thrift import Fields, parse_struct

MOST_PAGE_BYTES = 128 << 20
"""The largest page that is unpacked; usual ones have 1 MiB, those of DuckDB up to 100 MB."""
MOST_ROW_VALUES = 1 << 24
"""The most values of a row in a column of lists, since pyarrow reads a row at once."""
MOST_ROW_BYTES = 256 << 20
"""The most bytes of a row in the pages of a column of lists."""
MOST_REPEATED_BYTES = 1 << 30
"""The most bytes of a row of texts, if each of them were the longest one of a dictionary."""
MOST_RATIOS = {"UNCOMPRESSED": 1, "SNAPPY": 24, "LZ4": 256, "LZ4_RAW": 256, "GZIP": 1_040}
"""The most bytes that one byte of each compression unpacks to; no bound is known of others."""
_LENGTH = struct.Struct("<I")
"""The length of a text before its bytes, in a dictionary."""
_HEADER_BYTES = 512
_MOST_HEADER_BYTES = 1 << 20
_DICTIONARY = 2
"""The type of a dictionary page."""
_UNPACKED, _PACKED, _DATA, _DICTIONARY_HEADER, _DATA_2 = 2, 3, 5, 7, 8
"""Fields of `PageHeader` in parquet.thrift."""
_ENCODING, _ENCODING_2 = 2, 4
"""The field of the encoding in the headers of data pages of both versions."""
_LEVEL_BYTES = 6
"""The field of the bytes of the repetition levels in the header of a page of the second version."""
DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY = 6, 7
"""Encodings of texts by differences of their lengths. The second also leaves out the start that a
text shares with the one before it."""


class Page(NamedTuple):
    """What the header of a page states."""

    is_dictionary: bool
    encoding: int | None
    """The encoding of the values of a data page."""
    values: int
    unpacked_bytes: int
    packed_bytes: int
    start: int
    """The place of its content in the file."""
    level_bytes: int | None = None
    """The bytes of the repetition levels, if the page has them before its packed content."""


class Chunk:
    """A column of a row group."""

    def __init__(self, content: mmap.mmap, chunk: ChunkPlace) -> None:
        """Reads nothing yet.

        Args:
            content: The file.
            chunk: What the footer states of the chunk.
        """
        self.name = chunk.name
        self._content = content
        self._chunk = chunk

    def read_pages(self) -> Iterator[Page]:
        """Yields the pages.

        Raises:
            ValueError: A page has no header.
        """
        chunk = self._chunk
        place = chunk.data_page
        if chunk.dictionary_page is not None and 0 < chunk.dictionary_page < place:
            place = chunk.dictionary_page
        stop = min(place + chunk.packed_bytes, len(self._content))
        while 0 <= place < stop and chunk.values:
            page = _read_page(self._content, place)
            yield page
            place = page.start + page.packed_bytes

    def check_pages(self, limit: int, faults: Faults) -> None:
        """Checks that no page unpacks to more than memory should hold.

        Raises:
            Invalid: A page is too large.
            TooLarge: The chunk has more values than the limit has bytes.
            ValueError: A page has no header.
        """
        ratio = MOST_RATIOS.get(self._chunk.compression)
        is_flat = "." not in self.name
        if is_flat and ratio and ratio * self._chunk.packed_bytes <= MOST_PAGE_BYTES:
            return
        total = 0
        for page in self.read_pages():
            total += page.values
            if not 0 <= page.unpacked_bytes <= MOST_PAGE_BYTES:
                detail = f"Column '{clip(self.name)}' has a page of {page.unpacked_bytes} bytes; "
                advice = f"at most {MOST_PAGE_BYTES} are unpacked."
                faults.stop(pointer("columns", self.name), detail + advice)
            if total > limit:
                raise TooLarge(f"Column '{clip(self.name)}' would exceed {limit} bytes.")

    def check_rows(self, depth: int, faults: Faults) -> None:
        """Checks that no row of a column of lists is larger than memory should hold.

        The levels of most pages need not be read, since few pages have that many values together.

        Args:
            depth: The largest repetition level.
            faults: The faults so far.

        Raises:
            Invalid: A row has too many values or bytes.
            ValueError: A page has no header, or damaged levels.
        """
        if not depth:
            return
        most = self._find_most_values()
        values = size = 0  # of the row that the next page may continue
        for page in self.read_pages():
            if page.is_dictionary:
                continue
            before, values, size = values, values + page.values, size + page.unpacked_bytes
            longest = values
            if values > most // 2 or size > MOST_ROW_BYTES // 2:
                starts = self._find_starts(page, depth.bit_length())
                if starts.first is not None and starts.last is not None:
                    longest = max(before + starts.first, starts.longest)
                    values, size = page.values - starts.last, page.unpacked_bytes
            if max(longest, values) > most or size > MOST_ROW_BYTES:
                detail = f"Column '{clip(self.name)}' has a row that is too large: its lists may "
                limit = f"have {most:,} values and {MOST_ROW_BYTES:,} bytes."
                faults.stop(pointer("columns", self.name), detail + limit)

    def _find_most_values(self) -> int:
        """Returns the most values of a row, of which each may be the longest text."""
        words = self.find_dictionary() if self._chunk.is_text else None
        longest = 1 if words is None else self.measure_longest(words)
        return min(MOST_ROW_VALUES, MOST_REPEATED_BYTES // max(longest, 1))

    def _find_starts(self, page: Page, width: int) -> Starts:
        """Returns where the rows of a page begin."""
        if page.level_bytes is not None:
            levels = self._content[page.start : page.start + page.level_bytes]
        else:
            packed = self._content[page.start : page.start + page.packed_bytes]
            unpacked = _unpack(packed, self._chunk.compression, page.unpacked_bytes)
            if unpacked is None:
                raise ValueError("a page cannot be unpacked")
            length = int.from_bytes(unpacked[:4], "little")
            levels = unpacked[4 : 4 + length]
        try:
            return find_starts(levels, width, page.values)
        except DamagedLevels:
            raise ValueError("a page has damaged levels") from None

    def find_dictionary(self) -> Page | None:
        """Returns the dictionary page, which is the first page if the chunk has one."""
        first = next(self.read_pages(), None)
        return first if first is not None and first.is_dictionary else None

    def measure_longest(self, page: Page) -> int:
        """Returns the number of bytes of the longest text of a dictionary page."""
        packed = self._content[page.start : page.start + page.packed_bytes]
        texts = _unpack(packed, self._chunk.compression, page.unpacked_bytes)
        if texts is None:
            return page.unpacked_bytes
        lengths, at, end = {0}, 0, len(texts) - _LENGTH.size
        read_length = _LENGTH.unpack_from
        while at <= end:  # a step for each text, of which there may be many
            (length,) = read_length(texts, at)
            lengths.add(length)
            at += 4 + length
        return max(lengths)


def _unpack(packed: bytes, compression: str, size: int) -> bytes | None:
    """Returns the content of a page; None if it cannot be unpacked here."""
    if compression == "UNCOMPRESSED":
        return packed
    try:
        codec = pa.Codec(compression.lower())
        return bytes(codec.decompress(packed, size, asbytes=True))
    except (pa.ArrowException, OSError, ValueError):
        return None


def _read_page(content: mmap.mmap, place: int) -> Page:
    """Reads a `PageHeader` of parquet.thrift."""
    for size in (_HEADER_BYTES, _MOST_HEADER_BYTES):
        try:
            fields, length = parse_struct(content[place : place + size], 0)
            break
        except IndexError:
            continue
    else:
        raise ValueError("the header of a page is incomplete")
    kind, unpacked, packed = (fields.get(field) for field in (1, _UNPACKED, _PACKED))
    if not isinstance(unpacked, int) or not isinstance(packed, int) or packed < 0:
        raise ValueError("a page has no size")
    header = fields.get(_DATA) or fields.get(_DATA_2) or fields.get(_DICTIONARY_HEADER)
    values = header.get(1) if isinstance(header, dict) else None
    if kind == _DICTIONARY:
        return Page(True, None, 0, unpacked, packed, place + length)
    level_bytes = _find_level_bytes(fields)
    encoding = _find_encoding(fields)
    return Page(False, encoding, values or 0, unpacked, packed, place + length, level_bytes)


def _find_level_bytes(fields: Fields) -> int | None:
    """Returns the bytes of the repetition levels of a page of the second version."""
    header = fields.get(_DATA_2)
    level_bytes = header.get(_LEVEL_BYTES) if isinstance(header, dict) else None
    return level_bytes if isinstance(level_bytes, int) and level_bytes >= 0 else None


def _find_encoding(fields: Fields) -> int | None:
    """Returns the encoding of the values of a data page."""
    for field, place in ((_DATA, _ENCODING), (_DATA_2, _ENCODING_2)):
        header = fields.get(field)
        if isinstance(header, dict) and isinstance(encoding := header.get(place), int):
            return encoding
    return None
