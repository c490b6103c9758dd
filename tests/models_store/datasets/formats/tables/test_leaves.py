"""Texts of Arrow arrays: the first one that is wrong is found, in flat memory."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import Invalid
from models_store.datasets.formats.tables import leaves
from models_store.datasets.formats.tables.leaves import check_utf8, count_texts, view_texts
from tests.support.dataset_bodies import PARQUET, STREAM, WRITERS, read_body

DRAW = np.random.default_rng(15)


def is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("block", [1, 2, 3, 7, 1 << 20])
def test_the_first_text_that_is_no_utf8_is_found(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(leaves, "TEXT_BLOCK_BYTES", block)
    pieces = ["a", "é", "€", "\U0001f600"]
    for _ in range(60):
        texts = ["".join(DRAW.choice(pieces, DRAW.integers(0, 5))).encode() for _ in range(12)]
        raw = bytearray(b"".join(texts))
        if DRAW.random() < 0.8 and raw:
            raw[DRAW.integers(len(raw))] = DRAW.integers(256)
        ends = np.cumsum([len(text) for text in texts])
        changed = [bytes(raw[end - len(text) : end]) for text, end in zip(texts, ends, strict=True)]
        wrong = [index for index, text in enumerate(changed) if not is_text(text)]
        array = pa.array(changed, pa.binary()).view(pa.string())
        assert check_utf8(view_texts(array)) == (wrong[0] if wrong else None)


@pytest.mark.parametrize("media_type", [PARQUET, STREAM])
@pytest.mark.parametrize("is_nested", [False, True])
def test_a_text_that_is_too_long_is_named(
    monkeypatch: pytest.MonkeyPatch, media_type: str, is_nested: bool
) -> None:
    monkeypatch.setattr(leaves, "MOST_TEXT_BYTES", 100)
    texts = ["a" * 100, "b", None, "c" * 101, "d" * 200]
    column = [[text] for text in texts] if is_nested else texts
    assert len(read_body(WRITERS[media_type](pa.table({"x": column[:3]})), media_type)["x"].rows)
    with pytest.raises(Invalid, match="row 3: The text has 101 bytes") as caught:
        read_body(WRITERS[media_type](pa.table({"x": column})), media_type)
    assert caught.value.faults[0].pointer == "/columns/x/3"


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("index", [pa.int8(), pa.uint64()])
def test_texts_are_counted(kind: pa.DataType, index: pa.DataType) -> None:
    words = ["a", "é", None, "", "a", "never"]
    places = [None if place == 5 else int(place) for place in DRAW.integers(0, 6, 500)]
    texts = [None if place is None else words[place] for place in places]
    expected = Counter(text for text in texts if text is not None)
    dictionary = pa.DictionaryArray.from_arrays(pa.array(places, index), pa.array(words, kind))
    for array in (dictionary, pa.array(texts, kind)):
        assert count_texts(array) == expected
        assert count_texts(array.slice(0, 0)) == {}
        part = Counter(text for text in texts[7:30] if text is not None)
        assert count_texts(array.slice(7, 23)) == part


def test_texts_that_are_no_utf8_are_not_counted() -> None:
    array = pa.array([b"a", b"\xff"], pa.binary()).view(pa.string())
    assert count_texts(array) is None
    indices = pa.array([0, 1, 1])
    assert count_texts(pa.DictionaryArray.from_arrays(indices, array)) is None
