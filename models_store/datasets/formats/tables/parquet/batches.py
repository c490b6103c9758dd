"""Decides how many rows of a Parquet file are read at once, and which texts by their dictionary."""

import mmap
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import parquet

from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.tables.parquet.footer import read_row_groups
from models_store.datasets.formats.tables.parquet.pages import (
    DELTA_BYTE_ARRAY,
    DELTA_LENGTH_BYTE_ARRAY,
    Chunk,
    Page,
)
from models_store.datasets.formats.tables.types import is_text

MOST_ROWS = 1 << 16
"""The most rows that are read at once."""
MOST_VALUES = 1 << 22
"""The most values that are read at once, unless one row has more."""
MOST_TEXT_BYTES = 64 << 20
"""The most bytes that the texts of a column may have that are read at once."""
MOST_SHARED_BYTES = 128 << 20
"""The most bytes that texts may have that are read at once, if they share their starts."""
SMALL_DICTIONARY = 1 << 16
"""Bytes of a dictionary up to which its texts are rarely distinct."""


class Batches(NamedTuple):
    """How the rows of a file are read."""

    rows: int
    """The number of rows that are read at once."""
    by_dictionary: list[str]
    """The columns of text that are read as indices into a dictionary. A small file could otherwise
    repeat a long text until no memory is left."""


class _Text:
    """What the dictionaries of a column of text show."""

    def __init__(self) -> None:
        self.largest = 0
        """The bytes of the largest dictionary."""
        self.longest = 0
        """The bytes of the longest text of a dictionary."""
        self.row_values = 1.0
        """Values in a row."""
        self.mean = 0.0
        """The most bytes of a text on average in a page, without those of a dictionary."""
        self.shared = 0
        """The most bytes of a text that shares its start with the one before it."""
        self.has_lengths = False
        """Whether a page has an encoding that is not read as indices into a dictionary."""

    def add(self, chunk: Chunk, row_values: float) -> None:
        self.row_values = max(self.row_values, row_values)
        for page in chunk.read_pages():
            self._add_page(page)
        words = chunk.find_dictionary()
        if words is not None:
            self.largest = max(self.largest, words.unpacked_bytes)
            self.longest = max(self.longest, _measure_longest(chunk, words))

    def _add_page(self, page: Page) -> None:
        if page.values:
            self.mean = max(self.mean, page.unpacked_bytes / page.values)
        if page.encoding == DELTA_BYTE_ARRAY:
            self.shared = max(self.shared, page.unpacked_bytes)
        self.has_lengths |= page.encoding in (DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY)


def plan_batches(
    path: Path, metadata: parquet.FileMetaData, schema: pa.Schema, limit: int, faults: Faults
) -> Batches:
    """Checks the pages of a file and decides how it is read.

    Args:
        path: The file.
        metadata: Its metadata.
        schema: Its columns.
        limit: Upper bound on the bytes of all arrays.
        faults: The faults so far.

    Raises:
        Invalid: A page is too large for memory.
        TooLarge: The pages of a column state more values than the limit has bytes.
        ValueError: A page has no header, or the footer is damaged.
    """
    texts: dict[str, _Text] = defaultdict(_Text)
    row_values = 1.0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for group in read_row_groups(path, faults):
            if len(group.chunks) != len(metadata.schema):
                raise ValueError("a row group has other columns than the schema")
            values = 0
            for place, stated in enumerate(group.chunks):
                chunk = Chunk(content, stated)
                chunk.check_pages(limit, faults)
                chunk.check_rows(metadata.schema.column(place).max_repetition_level, faults)
                values += stated.values
                if stated.is_text:
                    texts[chunk.name].add(chunk, stated.values / max(group.rows, 1))
            row_values = max(row_values, values / max(group.rows, 1))
    rows = max(1, min(MOST_ROWS, int(MOST_VALUES / row_values)))
    flat = {field.name for field in schema if is_text(field.type)}
    nested = (text for name, text in texts.items() if name not in flat)
    rows = min([rows, *_bound_rows(nested), *_bound_plain_rows(texts.values())])
    return Batches(rows, [name for name in flat if _is_read_by_dictionary(texts[name], rows)])


def _measure_longest(chunk: Chunk, page: Page) -> int:
    """Returns the bytes of the longest text of a dictionary, or of the whole if it is small."""
    if page.unpacked_bytes <= SMALL_DICTIONARY:
        return page.unpacked_bytes
    return chunk.measure_longest(page)


def _bound_rows(texts: Iterator[_Text]) -> Iterator[int]:
    """Yields the most rows that each column of nested texts allows."""
    for text in texts:
        yield max(1, int(MOST_TEXT_BYTES / max(text.longest * text.row_values, 1)))


def _bound_plain_rows(texts: Iterable[_Text]) -> Iterator[int]:
    """Yields the most rows that each column of texts outside a dictionary allows."""
    for text in texts:
        yield max(1, int(MOST_TEXT_BYTES / max(text.mean * text.row_values, 1)))
        yield max(1, int(MOST_SHARED_BYTES / max(text.shared * text.row_values, 1)))


def _is_read_by_dictionary(text: _Text, rows: int) -> bool:
    if text.has_lengths:
        return False
    return text.largest <= SMALL_DICTIONARY or text.longest * rows > MOST_TEXT_BYTES
