"""The readers of Arrow's streams and files, against pyarrow."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import Invalid, TooLarge
from models_store.datasets.formats.tables.arrow import messages
from tests.support.dataset_bodies import FILE, STREAM, WRITERS, read_body

ROWS = 70_000
LONG = "a text of more than twelve bytes"
TABLE = pa.table(
    {
        "number": np.random.default_rng(15).normal(size=ROWS),
        "word": pa.array(["ab", None, "c", ""] * (ROWS // 4)).dictionary_encode(),
        "view": pa.array(["short", LONG] * (ROWS // 2), pa.string_view()),
    }
)


@pytest.mark.slow
@pytest.mark.parametrize("media_type", [STREAM, FILE])
@pytest.mark.parametrize("options", [{}, {"compression": "lz4"}, {"compression": "zstd"}])
@pytest.mark.parametrize("batch_rows", [None, 999])
def test_every_way_of_writing_gives_the_same_columns(
    media_type: str, options: dict[str, Any], batch_rows: int | None
) -> None:
    raw = WRITERS[media_type](TABLE, batch_rows=batch_rows, **options)
    found = read_body(raw, media_type)
    for name, column in found.items():
        assert column.rows == TABLE[name].to_pylist()


@pytest.mark.parametrize("media_type", [STREAM, FILE])
def test_packed_buffers_are_measured_before_they_are_unpacked(
    media_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({"x": np.zeros(100_000), "t": pa.array(["a"] * 100_000).dictionary_encode()})
    raw = WRITERS[media_type](table, compression="zstd")
    with pytest.raises(TooLarge, match="unpacked"):
        read_body(raw, media_type, 1_000_000)
    monkeypatch.setattr(messages, "MOST_MESSAGE_BYTES", 800_000)
    with pytest.raises(Invalid, match="smaller record batches"):
        read_body(raw, media_type)
    in_parts = WRITERS[media_type](table, batch_rows=10_000, compression="zstd")
    assert len(read_body(in_parts, media_type)["x"].rows) == 100_000


def test_offsets_beyond_their_buffer_are_refused() -> None:
    raw = WRITERS[STREAM](pa.table({"x": ["a", "b", "c"]}))
    offsets = np.arange(4, dtype="<i4").tobytes()
    assert offsets in raw
    wrong = np.array([0, 1, 2, 2**30], "<i4").tobytes()
    with pytest.raises(Invalid, match="not a complete stream"):
        read_body(raw.replace(offsets, wrong), STREAM)


def test_text_that_is_no_utf8_is_refused() -> None:
    raw = WRITERS[STREAM](pa.table({"x": ["good", "wxyz"]}))
    with pytest.raises(Invalid):
        read_body(raw.replace(b"wxyz", b"wx\xff\xfe"), STREAM)


def test_a_stream_without_its_end_is_refused() -> None:
    raw = WRITERS[STREAM](TABLE, batch_rows=1_000)
    with pytest.raises(Invalid, match="not a complete stream"):
        read_body(raw[:-8], STREAM)


def test_a_long_header_of_a_message_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = WRITERS[STREAM](pa.table({"x": [1, 2, 3], "y" * 250: [1, 2, 3]}))
    monkeypatch.setattr(messages, "MOST_METADATA_BYTES", 150)
    with pytest.raises(Invalid, match="has a header of"):
        read_body(raw, STREAM)
