"""Measures the rows of a column of lists by its repetition levels, before pyarrow reads them.

A repetition level is 0 where a row begins. Levels are written as runs: one level repeated, or
levels of a few bits each (https://parquet.apache.org/docs/file-format/data-pages/encodings/).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from models_store.datasets.formats.tables.parquet.thrift import parse_varint


class Starts(NamedTuple):
    """Where rows begin in a page; positions count values."""

    first: int | None
    """The position of the first row that begins; None if the page has the middle of a row."""
    last: int | None
    longest: int
    """The most values from one start to the next, in this page."""


MOST_HEADER_BYTES = 5
"""Bytes of the longest header of a run."""


class DamagedLevels(Exception):
    """The levels end too early, or are no runs."""


def find_starts(levels: bytes, width: int, count: int) -> Starts:
    """Finds the starts of rows.

    Args:
        levels: The repetition levels, without their length.
        width: The bits of a level.
        count: The number of values of the page.

    Raises:
        DamagedLevels: The levels end too early, or are no runs.
    """
    first: int | None = None
    last: int | None = None
    longest = 0
    for run in _read_runs(levels, width, count):
        if run.first is None or run.last is None:
            continue
        if last is not None:
            longest = max(longest, run.first - last)
        longest = max(longest, run.longest)
        first = run.first if first is None else first
        last = run.last
    return Starts(first, last, longest)


def _read_runs(levels: bytes, width: int, count: int) -> Iterator[Starts]:
    """Yields where rows begin in each run."""
    at = place = 0
    while place < count:
        header, at = _read_header(levels, at)
        size = header >> 1
        if header & 1:
            packed = levels[at : at + size * width]
            at += size * width
            run, place = _unpack(packed, width, place, count)
        else:
            value = levels[at : at + (width + 7) // 8]
            at += len(value)
            stop = min(count, place + size)
            is_start = not any(value)
            run = Starts(place, stop - 1, 1) if is_start else Starts(None, None, 0)
            place = stop
        if not size or at > len(levels):
            raise DamagedLevels
        yield run


def _unpack(packed: bytes, width: int, place: int, count: int) -> tuple[Starts, int]:
    """Returns where rows begin in levels of a few bits each, and the position after them."""
    levels = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    levels = levels[: len(levels) // width * width].reshape(-1, width)[: count - place]
    starts = place + np.flatnonzero(~levels.any(axis=1))
    stop = place + len(levels)
    if not starts.size:
        return Starts(None, None, 0), stop
    return Starts(int(starts[0]), int(starts[-1]), int(np.diff(starts).max(initial=1))), stop


def _read_header(data: bytes, at: int) -> tuple[int, int]:
    try:
        header, end = parse_varint(data, at)
    except (IndexError, ValueError):
        raise DamagedLevels from None
    if end - at > MOST_HEADER_BYTES:
        raise DamagedLevels
    return header, end
