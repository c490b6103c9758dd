"""The footer of a Parquet file is bounded before pyarrow reads it."""

import io
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from domain.errors import Invalid
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.tables.parquet import footer
from models_store.datasets.formats.tables.parquet.footer import read_row_groups
from tests.support.dataset_bodies import PARQUET, read_body, write_parquet

RAW = write_parquet(pa.table({"x": [1, 2, 3]}))
LENGTH = int.from_bytes(RAW[-8:-4], "little")


def refuse(raw: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        read_body(raw, PARQUET)
    (fault,) = caught.value.faults
    return fault.detail


@pytest.mark.parametrize("length", [len(RAW) - 11, len(RAW), 2**31 - 1, 2**32 - 1])
def test_a_footer_that_is_longer_than_its_file_is_damaged(length: int) -> None:
    raw = RAW[:-8] + length.to_bytes(4, "little") + RAW[-4:]
    assert "not a complete Parquet file" in refuse(raw)


@pytest.mark.parametrize("size", [0, 4, 8, 11, 12])
def test_a_file_without_a_footer_is_damaged(size: int) -> None:
    assert "not a complete Parquet file" in refuse(RAW[:size] if size < 12 else b"PAR1" * 3)


def test_a_long_footer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footer, "MOST_FOOTER_BYTES", LENGTH)
    assert read_body(RAW, PARQUET)["x"].rows == [1, 2, 3]
    monkeypatch.setattr(footer, "MOST_FOOTER_BYTES", LENGTH - 1)
    assert f"has {LENGTH:,} bytes" in refuse(RAW)


def test_an_encrypted_footer_is_named() -> None:
    assert "encrypted" in refuse(RAW[:-4] + b"PARE")


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip", "brotli", "lz4"])
def test_the_places_of_columns_are_those_of_pyarrow(tmp_path: Path, compression: str) -> None:
    table = pa.table({"x": range(10), "é": ["a", None] * 5, "z": [[1.5]] * 10})
    raw = write_parquet(table, compression=compression, row_group_size=4)
    path = tmp_path / "file.parquet"
    path.write_bytes(raw)
    metadata = parquet.ParquetFile(io.BytesIO(raw)).metadata
    groups = list(read_row_groups(path, Faults()))
    assert [group.rows for group in groups] == [4, 4, 2]
    for number, group in enumerate(groups):
        for place, found in enumerate(group.chunks):
            expected = metadata.row_group(number).column(place)
            assert found.name == expected.path_in_schema
            assert found.is_text == (expected.physical_type == "BYTE_ARRAY")
            assert found.compression in (expected.compression, f"{expected.compression}_RAW")
            assert found.values == expected.num_values
            assert found.packed_bytes == expected.total_compressed_size
            assert found.data_page == expected.data_page_offset
            assert found.dictionary_page == expected.dictionary_page_offset


def test_a_damaged_histogram_of_levels_does_not_end_the_process() -> None:
    raw = bytearray(write_parquet(pa.table({"x": [1, None, 3] * 40}), compression="none"))
    start = len(raw) - 8 - int.from_bytes(raw[-8:-4], "little")
    for place in range(start, len(raw) - 8):
        damaged = raw.copy()
        damaged[place] ^= 0x30  # also the length of each list
        try:
            read_body(bytes(damaged), PARQUET)
        except Invalid:
            continue
