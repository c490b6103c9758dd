"""Encodings of JSON texts, and keys that appear twice."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.json.text import (
    count_keys,
    find_duplicate_keys,
    name_other_encoding,
    skip_byte_order_mark,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("utf-32-le", "UTF-32"),
        ("utf-32-be", "UTF-32"),
    ],
)
@pytest.mark.parametrize("text", ['{"a": "é"}', "[1]", "12"])
def test_the_encoding_of_a_text_is_named(text: str, codec: str, name: str | None) -> None:
    assert name_other_encoding(text.encode(codec)) == name


@pytest.mark.parametrize("text", [b"", b"1", b"{}", b"\0\0\0\0", b'"\xc3\xa9"'])
def test_short_texts_have_no_other_encoding(text: bytes) -> None:
    assert name_other_encoding(text) is None


def test_the_byte_order_mark_of_utf_8_is_skipped() -> None:
    assert skip_byte_order_mark('{"a": 1}'.encode("utf-8-sig")) == b'{"a": 1}'
    assert skip_byte_order_mark(b"{}") == b"{}"


def faults(text: str) -> dict[str, str]:
    found = list(find_duplicate_keys(text.encode(), json.loads(text)))
    assert found == list(find_duplicate_keys(text, json.loads(text)))
    return {fault.pointer: fault.detail for fault in found}


@pytest.mark.parametrize(
    ("text", "pointers"),
    [
        ('{"a": 1, "a": 2}', ["/a"]),
        ('{"a": 1, "\\u0061": 2}', ["/a"]),
        ('{"a": {"b": 1, "b": {}}, "c": [[{"d": 1, "d": 1}]]}', ["/a/b", "/c/0/0/d"]),
        ('{"x": {"a": 1}, "x": 2}', ["/x"]),
        ('{"x": 2, "x": {"a": 1}}', ["/x"]),
        ('{"a:b": "c:d", "e": 1, "e": 1}', ["/e"]),
        ('[1, {"a/b": 1, "a/b": 2}]', ["/1/a~1b"]),
        ('{"a": 1, "a": 2, "a": 3}', ["/a"]),
        ('{"a": {"a": {"a": 1}}}', []),
        ('{"a": "\\":\\":"}', []),
        ("[[1, 2], [3]]", []),
        ("3", []),
        ('":"', []),
    ],
)
def test_a_key_that_appears_twice_is_a_fault_at_its_place(text: str, pointers: list[str]) -> None:
    found = faults(text)
    assert list(found) == pointers
    assert all("appears twice" in detail for detail in found.values())


@given(VALUES)
def test_texts_without_repeated_keys_have_no_fault(value: Any) -> None:
    assert faults(json.dumps(value)) == {}


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(["a", "b", ":", "é"]), VALUES)))
def test_every_repeated_key_is_found(pairs: list[tuple[str, Any]]) -> None:
    text = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs)
    keys = [key for key, _ in pairs]
    assert set(faults(f"{{{text}}}")) == {f"/{key}" for key in keys if keys.count(key) > 1}


@given(VALUES)
def test_the_keys_of_a_text_are_counted(value: Any) -> None:
    def count(part: Any) -> int:
        if isinstance(part, dict):
            return len(part) + sum(map(count, part.values()))
        return sum(map(count, part)) if isinstance(part, list) else 0

    assert count_keys(json.dumps(value).encode()) == count(value)
    assert count_keys(json.dumps(value, ensure_ascii=False)) == count(value)
