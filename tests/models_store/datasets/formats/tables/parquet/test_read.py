"""The reader of Parquet, against pyarrow."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from domain.errors import Invalid
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.tables.parquet import batches, pages
from models_store.datasets.formats.tables.parquet.batches import Batches, plan_batches
from models_store.datasets.formats.tables.parquet.thrift import parse_struct
from tests.support.dataset_bodies import PARQUET, read_body, write_parquet

DRAW = np.random.default_rng(15)
ROWS = 70_000
"""More rows than are read at once."""
TABLE = pa.table(
    {
        "number": DRAW.normal(size=ROWS),
        "gaps": pa.array(DRAW.integers(0, 9, ROWS), mask=DRAW.random(ROWS) < 0.2),
        "word": pa.array(np.array(["ab", "c", ""])[DRAW.integers(0, 3, ROWS)]),
        "name": pa.array([f"name {i}" for i in DRAW.permutation(ROWS)]),
        "list": pa.array([list(range(i % 4)) for i in range(ROWS)]),
    }
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"row_group_size": 1_000},
        {"compression": "zstd", "data_page_version": "2.0"},
        {"compression": "gzip", "use_dictionary": False},
        {"compression": "none", "write_page_index": True, "write_page_checksum": True},
        {"compression": "lz4", "dictionary_pagesize_limit": 1_000, "data_page_size": 1_000},
        {"compression": "brotli", "version": "1.0"},
        {"use_dictionary": False, "column_encoding": {"name": "DELTA_BYTE_ARRAY"}},
        {"use_dictionary": False, "column_encoding": {"word": "DELTA_LENGTH_BYTE_ARRAY"}},
        {
            "use_dictionary": False,
            "column_encoding": {"name": "DELTA_BYTE_ARRAY"},
            "data_page_version": "2.0",
            "data_page_size": 1_000,
        },
    ],
)
def test_every_way_of_writing_gives_the_same_columns(options: dict[str, Any]) -> None:
    found = read_body(write_parquet(TABLE, **options), PARQUET)
    for name, column in found.items():
        assert column.rows == TABLE[name].to_pylist()


def test_statistics_are_those_of_the_values() -> None:
    found = read_body(write_parquet(TABLE), PARQUET)
    number, values = found["number"].column, TABLE["number"].to_numpy()
    assert (number.min, number.max) == (values.min(), values.max())
    assert number.std == pytest.approx(values.std())
    assert found["gaps"].column.missing == TABLE["gaps"].null_count
    counts = {c.value: c.count for c in found["word"].column.classes or []}
    expected = TABLE["word"].value_counts().to_pylist()
    assert counts == {item["values"]: item["counts"] for item in expected}
    assert found["name"].column.distinct == pytest.approx(ROWS, rel=0.08)
    assert found["name"].column.classes is None


def test_an_encrypted_file_is_named() -> None:
    with pytest.raises(Invalid, match="encrypted"):
        read_body(b"PARE" + bytes(100) + b"PARE", PARQUET)


def test_text_that_is_no_utf8_is_named() -> None:
    raw = write_parquet(pa.table({"x": ["good", "wxyz"]}), use_dictionary=False, compression="none")
    with pytest.raises(Invalid) as caught:
        read_body(raw.replace(b"wxyz", b"wx\xff\xfe"), PARQUET)
    assert caught.value.faults[0].pointer == "/columns/x/1"


def test_a_page_that_unpacks_to_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_PAGE_BYTES", 100_000)
    table = pa.table({"x": np.zeros(100_000)})
    raw = write_parquet(table, compression="zstd", use_dictionary=False)
    with pytest.raises(Invalid, match="has a page of"):
        read_body(raw, PARQUET)


def test_headers_of_pages_state_what_the_metadata_state() -> None:
    raw = write_parquet(TABLE, compression="none", use_dictionary=False)
    chunk = parquet.ParquetFile(io.BytesIO(raw)).metadata.row_group(0).column(0)
    place = chunk.data_page_offset
    fields, length = parse_struct(raw[place : place + 500], 0)
    assert fields[2] == fields[3]
    content = raw[place + length : place + length + fields[3]]
    values = TABLE["number"].to_numpy()[: fields[5][1]].tobytes()
    assert content.endswith(values)


@pytest.mark.parametrize(
    "raw", [b"", b"\x15", b"\x1f" * 40, b"\x1c" * 40, b"\x19\xf5\xff\xff\x7f", b"\x19" * 9_000]
)
def test_damaged_headers_are_refused(raw: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        parse_struct(raw, 0)


def plan(raw: bytes, folder: Path) -> Batches:
    path = folder / "file.parquet"
    path.write_bytes(raw)
    file = parquet.ParquetFile(path)
    return plan_batches(path, file.metadata, file.schema_arrow, 1 << 40, Faults())


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_texts_that_share_their_starts_are_read_in_few_rows(tmp_path: Path, version: str) -> None:
    length = 1 << 20
    table = pa.table({"x": ["a" * length + str(i) for i in range(40)], "y": range(40)})
    raw = write_parquet(
        table, use_dictionary=False, column_encoding={"x": "DELTA_BYTE_ARRAY", "y": "PLAIN"},
        data_page_version=version,
    )  # fmt: skip
    assert len(raw) < 200_000
    rows = plan(raw, tmp_path).rows
    assert 0 < rows <= batches.MOST_SHARED_BYTES // length
    assert [row[length:] for row in read_body(raw, PARQUET)["x"].rows] == [*map(str, range(40))]


@pytest.mark.parametrize("use_dictionary", [False, True])
@pytest.mark.parametrize("is_nested", [False, True])
def test_long_texts_are_read_in_few_rows(
    tmp_path: Path, use_dictionary: bool, is_nested: bool
) -> None:
    texts = [f"{i:08}" * 12_500 for i in range(200)]
    column = pa.array([[text] for text in texts] if is_nested else texts)
    raw = write_parquet(pa.table({"x": column}), use_dictionary=use_dictionary)
    found = plan(raw, tmp_path)
    is_read_by_index = use_dictionary and found.by_dictionary == ["x"]
    assert is_read_by_index or found.rows <= batches.MOST_TEXT_BYTES // 100_000


def test_short_texts_are_read_in_many_rows(tmp_path: Path) -> None:
    for options in ({}, {"use_dictionary": False}):
        assert plan(write_parquet(TABLE, **options), tmp_path).rows == batches.MOST_ROWS


def test_an_index_beyond_its_dictionary_is_refused() -> None:
    words = ["ab", "cd", "ef"]
    raw = write_parquet(pa.table({"x": [*words, None] * 50}), compression="none")
    place = raw.index(b"ef") + 2  # the header and the content of the page of indices
    for at in range(place, place + 80):
        damaged = bytearray(raw)
        damaged[at] ^= 0x01
        try:
            found = read_body(bytes(damaged), PARQUET)["x"].rows
        except Invalid:
            continue
        assert set(found) <= {*words, None}
