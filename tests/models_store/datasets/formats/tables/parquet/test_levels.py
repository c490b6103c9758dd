"""The starts of rows in pages, against the lengths of the lists that pyarrow wrote."""

import mmap
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import Invalid
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.tables.parquet import pages
from models_store.datasets.formats.tables.parquet.footer import read_row_groups
from models_store.datasets.formats.tables.parquet.levels import DamagedLevels, find_starts
from models_store.datasets.formats.tables.parquet.pages import Chunk
from tests.support.dataset_bodies import PARQUET, read_body, write_parquet

DRAW = np.random.default_rng(15)
WAYS: list[dict[str, Any]] = [
    {"data_page_version": "1.0", "data_page_size": 1_000},
    {"data_page_version": "2.0", "data_page_size": 1_000},
    {"data_page_version": "1.0", "compression": "none", "use_dictionary": False},
]


def write_lists(lengths: list[int], depth: int = 1, **options: Any) -> bytes:
    """A file with rows of these lengths; of lists with two numbers each, if the depth is 2."""
    rows = [[7] * length for length in lengths]
    nested = [[[value, value] for value in row] for row in rows] if depth == 2 else rows
    return write_parquet(pa.table({"x": nested, "y": range(len(rows))}), **options)


def find_all(raw: bytes, folder: Path, depth: int) -> tuple[list[int], int]:
    """The first and last starts of all pages, counted from the first value, and the longest gap."""
    path = folder / "file.parquet"
    path.write_bytes(raw)
    (group,) = read_row_groups(path, Faults())
    chunk = group.chunks[0]
    found: list[int] = []
    before = longest = 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        own = Chunk(content, chunk)
        for page in own.read_pages():
            if not page.is_dictionary:
                starts = own._find_starts(page, depth)
                places = [place for place in (starts.first, starts.last) if place is not None]
                found += [before + place for place in places]
                longest = max(longest, starts.longest)
                before += page.values
    return found, longest


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("depth", [1, 2])
def test_starts_are_those_of_the_lists(tmp_path: Path, options: dict[str, Any], depth: int) -> None:
    lengths = [*DRAW.integers(1, 12, 3_000).tolist(), 5_000, *[1] * 500, *[9] * 40]
    values = [length * depth for length in lengths]
    expected = [0, *accumulate(values)][:-1]
    found, longest = find_all(write_lists(lengths, depth, **options), tmp_path, depth)
    assert set(found) <= set(expected)
    assert (found[0], found[-1]) == (0, expected[-1])
    assert longest <= max(values)
    if "compression" in options:  # one page
        assert longest == max(values)


def test_runs_of_both_kinds_are_read() -> None:
    packed = np.packbits([0, 1, 1, 1, 1, 1, 0, 1], bitorder="little").tobytes()
    levels = bytes([6 << 1, 0, 200, 1, 1, 3]) + packed  # 6 zeros, 100 ones, 8 levels
    starts = find_starts(levels, 1, 114)
    assert (starts.first, starts.last, starts.longest) == (0, 112, 101)
    assert find_starts(levels, 1, 109) == (0, 106, 101)
    assert find_starts(bytes([20, 1]), 1, 10) == (None, None, 0)


@pytest.mark.parametrize("raw", [b"", b"\x80" * 9, b"\x00\x01", b"\x14", b"\x03", b"\x09\x00"])
def test_damaged_runs_are_refused(raw: bytes) -> None:
    with pytest.raises(DamagedLevels):
        find_starts(raw, 1, 1_000)


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("depth", [1, 2])
def test_a_row_of_too_many_values_is_refused_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], depth: int
) -> None:
    monkeypatch.setattr(pages, "MOST_ROW_VALUES", 2_000 * depth)
    short = [*DRAW.integers(0, 500, 60).tolist(), 2_000, *DRAW.integers(0, 500, 60).tolist()]
    assert len(read_body(write_lists(short, depth, **options), PARQUET)["x"].rows) == len(short)
    for lengths in ([*short, 4_500], [4_500, *short], [*short[:30], 4_500, *short[30:]]):
        with pytest.raises(Invalid, match="has a row that is too large") as caught:
            read_body(write_lists(lengths, depth, **options), PARQUET)
        assert caught.value.faults[0].pointer.startswith("/columns/x")


def test_a_row_of_many_bytes_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_ROW_BYTES", 400_000)
    options = {"use_dictionary": False, "data_page_size": 10_000, "column_encoding": "PLAIN"}
    short = [["a" * 100] * 100] * 50
    raw = write_parquet(pa.table({"x": short}), **options)
    assert read_body(raw, PARQUET)["x"].rows == short
    raw = write_parquet(pa.table({"x": [*short, ["a" * 100] * 8_000]}), **options)
    with pytest.raises(Invalid, match="has a row that is too large"):
        read_body(raw, PARQUET)


def test_a_row_that_repeats_a_long_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_REPEATED_BYTES", 1_000_000)
    rows = [["a" * 1_000] * 500, ["b"] * 900]
    assert read_body(write_parquet(pa.table({"x": rows})), PARQUET)["x"].rows == rows
    raw = write_parquet(pa.table({"x": [*rows, ["a" * 1_000] * 1_001]}))
    with pytest.raises(Invalid, match="may have 1,000 values"):
        read_body(raw, PARQUET)
