"""Reads the footer of a Parquet file: its length, and the places of its columns.

pyarrow reads a footer of any length. Its objects of single columns end the process, instead of
raising an error, if the footer is damaged or a column is encrypted.
"""

from collections.abc import Iterator
from os import SEEK_END
from pathlib import Path
from typing import Any, NamedTuple

from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.tables.parquet.thrift import Fields, iterate_structs

MOST_FOOTER_BYTES = 32 << 20
"""The longest footer. It has about 100 bytes for each column of each row group."""
LIMITS = {"thrift_string_size_limit": MOST_FOOTER_BYTES, "thrift_container_size_limit": 200_000}
"""Limits of pyarrow on the texts and the lists of a footer."""
MAGIC, ENCRYPTED_MAGIC = b"PAR1", b"PARE"
_START_BYTES = 4
_END_BYTES = 8
"""The length of the footer, and the magic bytes."""


_ROW_GROUPS, _COLUMNS, _ROWS, _METADATA, _PATH = 4, 1, 3, 3, 3
_CRYPTO = (8, 9)
_TYPE, _CODEC, _VALUES, _PACKED, _DATA_PAGE, _DICTIONARY_PAGE = 1, 4, 5, 7, 9, 11
"""Fields of `FileMetaData`, `RowGroup`, `ColumnChunk` and `ColumnMetaData` in parquet.thrift."""
_KEPT: dict[int, Any] = {_COLUMNS: {_METADATA: {_PATH: {}}}}
BYTE_ARRAY = 6
"""The physical type of texts."""
CODECS = ("UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW")
ENCRYPTED = "The Parquet file is encrypted; send it without encryption."


class ChunkPlace(NamedTuple):
    """What the footer states of a column of a row group."""

    name: str
    """The path of the column in the schema, with dots."""
    is_text: bool
    compression: str
    values: int
    packed_bytes: int
    data_page: int
    """The place of its first data page."""
    dictionary_page: int | None


class RowGroup(NamedTuple):
    """What the footer states of a row group."""

    rows: int
    chunks: list[ChunkPlace]


def read_row_groups(path: Path, faults: Faults) -> Iterator[RowGroup]:
    """Yields the row groups of a file whose footer has been checked.

    Raises:
        Invalid: A column is encrypted.
        ValueError: The footer is damaged.
        IndexError: The footer ends too early.
    """
    with path.open("rb") as file:
        file.seek(-_END_BYTES, SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(-_END_BYTES - length, SEEK_END)
        footer = file.read(length)
    for group in iterate_structs(footer, _ROW_GROUPS, _KEPT):
        rows, columns = group.get(_ROWS), group.get(_COLUMNS)
        if not isinstance(rows, int) or not isinstance(columns, list):
            raise ValueError("a row group has no rows or columns")
        yield RowGroup(rows, [_read_chunk(column, faults) for column in columns])


def _read_chunk(column: Any, faults: Faults) -> ChunkPlace:
    if not isinstance(column, dict):
        raise ValueError("a column is no struct")
    if any(field in column for field in _CRYPTO):
        faults.stop("", ENCRYPTED)
    fields = column.get(_METADATA)
    if not isinstance(fields, dict) or not isinstance(fields.get(_PATH), list):
        raise ValueError("a column has no metadata")
    codec = _get_number(fields, _CODEC)
    if not 0 <= codec < len(CODECS):
        raise ValueError("a column has an unknown compression")
    dictionary = fields.get(_DICTIONARY_PAGE)
    return ChunkPlace(
        name=b".".join(part for part in fields[_PATH] if isinstance(part, bytes)).decode(),
        is_text=_get_number(fields, _TYPE) == BYTE_ARRAY,
        compression=CODECS[codec],
        values=_get_number(fields, _VALUES),
        packed_bytes=_get_number(fields, _PACKED),
        data_page=_get_number(fields, _DATA_PAGE),
        dictionary_page=dictionary if isinstance(dictionary, int) else None,
    )


def _get_number(fields: Fields, field: int) -> int:
    number = fields.get(field)
    if not isinstance(number, int):
        raise ValueError("a column has no size or place")
    return number


def check_footer(path: Path, damaged: str, faults: Faults) -> None:
    """Checks what the last bytes of a file state.

    Args:
        path: The file.
        damaged: Describes a file that is not complete.
        faults: The faults so far.

    Raises:
        Invalid: The file has no footer, or one that is too long or encrypted.
    """
    size = path.stat().st_size
    if size < _START_BYTES + _END_BYTES:
        faults.stop("", damaged)
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
        file.seek(-_END_BYTES, SEEK_END)
        end = file.read()
    if ENCRYPTED_MAGIC in (start, end[4:]):
        faults.stop("", ENCRYPTED)
    length = int.from_bytes(end[:4], "little")
    if end[4:] != MAGIC or length > size - _START_BYTES - _END_BYTES:
        faults.stop("", damaged)
    if length > MOST_FOOTER_BYTES:
        detail = f"The footer of the Parquet file has {length:,} bytes; at most "
        advice = "Write larger row groups, or several files with fewer columns."
        faults.stop("", f"{detail}{MOST_FOOTER_BYTES:,} are read. {advice}")
