"""Damaged tables: only the errors of a client come out, and no file of the body stays."""

import io
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Invalid, TooLarge
from domain.formats.read_options import ReadOptions
from models_store.datasets.formats.registry import FORMATS
from tests.support.dataset_bodies import CSV, FILE, PARQUET, STREAM, TSV, WRITERS, encode_csv

LIMIT = 1 << 22
DRAW = np.random.default_rng(15)
TABLE = pa.table(
    {
        "number": DRAW.normal(size=200),
        "whole": pa.array(DRAW.integers(0, 9, 200), mask=DRAW.random(200) < 0.3),
        "word": pa.array(["ab", None, "c", "text of some length"] * 50),
        "kind": pa.array(["ab", None, "c", "d"] * 50).dictionary_encode(),
        "list": pa.array([list(range(i % 4)) for i in range(200)]),
        "pair": pa.array([[1, 2]] * 200, pa.list_(pa.int8(), 2)),
    }
)
OPTIONS = st.sampled_from(
    [{}, {"dtype": {"a": "int32"}}, {"vector": {"v": "x_*"}}, {"header": False}, {"null": ["-"]}]
)
MORE = settings(max_examples=400)


def read_damaged(raw: bytes, media_type: str, **options: object) -> None:
    """Reads a body that may be damaged."""
    with tempfile.TemporaryDirectory() as folder:
        known = FORMATS[media_type]
        try:
            body = known.read(
                io.BytesIO(raw), Path(folder), LIMIT, ReadOptions.model_validate(options)
            )
        except (Invalid, TooLarge):
            return
        written = {file.path for column in body.columns for file in column.files.values()}
        assert {path for path in Path(folder).rglob("*") if path.is_file()} == written
        assert body.rows > 0


def damage(raw: bytes, changes: list[tuple[float, bytes]], end: float) -> bytes:
    """Overwrites parts of a body, and cuts its end."""
    damaged = bytearray(raw)
    for place, new in changes:
        start = int(place * len(raw))
        damaged[start : start + len(new)] = new
    return bytes(damaged[: max(1, int(end * len(damaged)))])


FRACTION = st.floats(0, 1)
CHANGES = st.lists(st.tuples(FRACTION, st.binary(min_size=1, max_size=4)), max_size=4)
ENDS = st.one_of(st.just(1.0), FRACTION)
CELLS = st.text(st.sampled_from('0179.-+eaé",\n\r\t x;'), max_size=60)


@pytest.mark.slow
@pytest.mark.parametrize("media_type", [CSV, TSV])
@MORE
@given(text=CELLS, options=OPTIONS)
def test_any_text(media_type: str, text: str, options: dict[str, object]) -> None:
    read_damaged(text.encode(), media_type, **options)


@pytest.mark.slow
@MORE
@given(raw=st.binary(max_size=100), options=OPTIONS)
def test_any_bytes_as_csv(raw: bytes, options: dict[str, object]) -> None:
    read_damaged(b"a,b\n" + raw, CSV, **options)


@pytest.mark.slow
@MORE
@given(changes=CHANGES, end=ENDS)
def test_a_damaged_csv(changes: list[tuple[float, bytes]], end: float) -> None:
    raw = encode_csv(a=np.arange(50), b=np.array(["x", 'y "z"'] * 25))
    read_damaged(damage(raw, changes, end), CSV)


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@MORE
@given(changes=CHANGES, end=ENDS)
def test_a_damaged_parquet(
    compression: str, changes: list[tuple[float, bytes]], end: float
) -> None:
    raw = WRITERS[PARQUET](TABLE, compression=compression, row_group_size=100)
    read_damaged(damage(raw, changes, end), PARQUET)


@pytest.mark.slow
@pytest.mark.parametrize("media_type", [STREAM, FILE])
@pytest.mark.parametrize("compression", [None, "zstd"])
@MORE
@given(changes=CHANGES, end=ENDS)
def test_a_damaged_arrow(
    media_type: str, compression: str | None, changes: list[tuple[float, bytes]], end: float
) -> None:
    raw = WRITERS[media_type](TABLE, batch_rows=100, compression=compression)
    read_damaged(damage(raw, changes, end), media_type)
