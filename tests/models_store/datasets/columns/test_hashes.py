"""Hashes of texts and numbers: equal values have equal hashes, others differ."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models_store.datasets.columns.hashes import LONGEST_VECTORISED, hash_numbers, hash_texts
from models_store.datasets.columns.npy import Array

LENGTHS = (0, 1, 7, 8, 9, 16, LONGEST_VECTORISED, LONGEST_VECTORISED + 1, 3 * LONGEST_VECTORISED)


def hash_all(texts: list[bytes]) -> Array:
    lengths = np.array([len(text) for text in texts], np.int64)
    return hash_texts(lengths, np.frombuffer(b"".join(texts), np.uint8))


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=40))
@example([b"", b"\x01"])
@example([b"\x03", b"\x02\x00"])
def test_texts_have_equal_hashes_exactly_if_they_are_equal(texts: list[bytes]) -> None:
    hashes = hash_all(texts).tolist()
    pairs = set(zip(texts, hashes, strict=True))
    assert len(pairs) == len(set(texts)) == len(set(hashes))


@pytest.mark.parametrize("length", LENGTHS)
def test_the_hash_of_a_text_does_not_depend_on_its_neighbours(length: int) -> None:
    text = bytes(range(1, 251)) * 4
    text = text[:length]
    alone = hash_all([text])[0]
    assert hash_all([b"before", text, b"after" * 100])[1] == alone
    assert hash_all([text + b"\0"])[0] != alone


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float64"])
def test_hashes_of_numbers_are_distinct_and_uniform(dtype: str) -> None:
    values = np.arange(2).astype(bool) if dtype == "bool" else np.arange(100).astype(dtype)
    kept = values.copy()
    hashes = hash_numbers(values)
    assert np.array_equal(values, kept)
    assert len(np.unique(hashes)) == len(values)
    assert hash_numbers(np.array([0.0]))[0] == hash_numbers(np.array([-0.0]))[0]


def test_hashes_spread_over_their_range() -> None:
    hashes = hash_numbers(np.arange(100_000)).astype(np.float64) / 2.0**64
    counts, _ = np.histogram(hashes, 10, (0, 1))
    assert counts.min() > 9_500
