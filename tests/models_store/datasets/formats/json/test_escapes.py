"""Half characters are found wherever the blocks of a text end."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_store.datasets.formats.json.escapes import EscapeScanner

PARTS = st.sampled_from(
    ["\\ud83d", "\\ude00", "\\uD83D\\uDE00", "\\u0041", "\\\\", "\\n", '\\"', "u", "d", "a", "\\/"]
)


def find(text: str, cuts: list[int]) -> bool:
    """Returns whether a scanner finds half a character in a text that arrives in blocks."""
    scanner, raw = EscapeScanner(), text.encode()
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    blocks = [raw[start:end] for start, end in pairwise(edges)]
    found = [scanner.find_half_character(block) for block in blocks]
    return any(offset is not None for offset in [*found, scanner.find_at_end()])


@given(st.lists(PARTS, max_size=12), st.lists(st.integers(0, 99), max_size=4))
def test_half_characters_are_found_as_python_reads_them(parts: list[str], cuts: list[int]) -> None:
    text = f'"{"".join(parts)}"'
    half = any("\ud800" <= character <= "\udfff" for character in json.loads(text))
    assert find(text, cuts) is half


@pytest.mark.parametrize("half", ["\\ud800", "\\uDFFF", "\\udc00\\ud800"])
def test_the_offset_is_that_of_the_escape(half: str) -> None:
    text = f'{{"a": "\\ud83d\\ude00 \\n {half}", "b": 1, "c": 2}}'
    assert EscapeScanner().find_half_character(text.encode()) == text.index(half)


def test_the_offset_at_the_end_counts_from_the_end() -> None:
    scanner = EscapeScanner()
    assert scanner.find_half_character(b'{"a": "\\udc00"}') is None
    assert scanner.find_at_end() == -8
