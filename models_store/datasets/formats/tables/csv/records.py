"""Reads a CSV record by record, to name its columns and to find the place of a fault."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from domain.errors import clip
from domain.json.pointer import pointer
from models_store.datasets.formats.faults import Faults

MOST_LINE_BYTES = 4 << 20
"""The longest line that is read."""
MOST_ROW_FAULTS = 3
"""Rows of a wrong length that are named in one answer."""
TOO_LONG = f"is longer than {MOST_LINE_BYTES >> 20} MiB, or a quote in it is never closed."
csv.field_size_limit(MOST_LINE_BYTES)


class Record(NamedTuple):
    """A line of a CSV, or several of them if cells have line breaks."""

    line: int
    """The number of its first line, counted from 1."""
    cells: list[str]


def read_records(
    path: Path, delimiter: str, faults: Faults, *, is_strict: bool = False
) -> Iterator[Record]:
    """Yields the records that are not empty.

    Args:
        path: A file of text in UTF-8.
        delimiter: The character between two cells.
        faults: The faults so far.
        is_strict: Whether a quote that is never closed is a fault.

    Raises:
        Invalid: A line is too long, or its quotes are wrong.
    """
    line = 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        records = csv.reader(_read_lines(file), delimiter=delimiter, strict=is_strict)
        try:
            for cells in records:
                if cells:
                    yield Record(line, cells)
                line = records.line_num + 1
        except csv.Error as error:
            faults.stop("", f"Line {line} {_describe(error)}")


def _describe(error: csv.Error) -> str:
    if "end of data" in str(error):
        return "opens a quote that is never closed."
    if "expected after" in str(error):
        return "has text after a closing quote; a quote within a quoted cell is doubled."
    return TOO_LONG


def _read_lines(file: IO[str]) -> Iterator[str]:
    """Yields lines.

    Raises:
        csv.Error: A line is too long.
    """
    while line := file.readline(MOST_LINE_BYTES):
        if len(line) == MOST_LINE_BYTES:
            raise csv.Error(TOO_LONG)
        yield line


class Header(NamedTuple):
    """The names of the columns, and where the rows begin."""

    names: list[str]
    lines: int
    """The number of lines before the first row: empty ones, and that of the names. A name with a
    line break does not make it larger."""


def read_header(path: Path, delimiter: str, faults: Faults, *, has_header: bool) -> Header:
    """Returns the names of the columns.

    Raises:
        Invalid: The text has no record.
    """
    first = next(read_records(path, delimiter, faults), None)
    if first is None:
        faults.stop("", "The body is empty; the first line of a CSV names its columns.")
    if not has_header:
        return Header([f"column_{place}" for place in range(len(first.cells))], 0)
    return Header(first.cells, first.line)


def looks_like_values(names: list[str]) -> bool:
    """Whether the first line has values instead of names: a fraction, or numbers in no order."""
    if any("." in name and _is_number(name) for name in names):
        return True
    return all(map(_is_number, names)) and names != list(map(str, range(len(names))))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def add_ragged_rows(
    path: Path, delimiter: str, count: int, faults: Faults, *, has_header: bool
) -> None:
    """Adds a fault for each of the first rows that do not have `count` cells."""
    found = 0
    for row, record in enumerate(read_records(path, delimiter, faults), -int(has_header)):
        if len(record.cells) != count:
            end = clip(delimiter.join(record.cells))
            detail = f"Line {record.line} has {len(record.cells)} cells where the first line has "
            faults.add(pointer("rows", row), f"{detail}{count}: {end}")
            found += 1
        if found == MOST_ROW_FAULTS:
            return


def find_line(path: Path, delimiter: str, row: int, *, has_header: bool) -> int:
    """Returns the line of a row, which counts from 0."""
    records = read_records(path, delimiter, Faults())
    for place, record in enumerate(records, -int(has_header)):
        if place == row:
            return record.line
    raise ValueError(row)
