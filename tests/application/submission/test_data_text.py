"""The datasets of a job are cut out of its text, whatever their text holds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.submission import data_text
from application.submission.data_text import cut_data
from domain.errors import Invalid, NotJson, TooLarge

FIELDS = ("dataset", "validation_dataset")
DATA = {"name": 'q{\\" }', "columns": {"x": [[1.5, 2], [3, 4]], 'a"}{': [1, 2]}, "dataset": {}}
names = st.one_of(st.sampled_from([*FIELDS, 'a"', "{", "\\"]), st.text(max_size=3))
values = st.recursive(
    st.one_of(st.none(), st.integers(), names),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def put_back(text: bytes) -> Any:
    """Returns the value of a text that was cut, with the data in its place again."""
    cut = cut_data(text, FIELDS, 10**9)
    value = json.loads(cut.text)
    for field, data in cut.data.items():
        assert value[field] == {}
        value[field] = json.loads(data)
    return value


@given(st.dictionaries(names, values, max_size=4), st.sampled_from([None, 1]), st.booleans())
def test_text_and_data_together_are_the_body(body: Any, indent: int | None, escaped: bool) -> None:
    text = json.dumps(body, indent=indent, ensure_ascii=escaped).encode()
    assert put_back(text) == body
    found = cut_data(text, FIELDS, 10**9).data
    assert found.keys() == {f for f in FIELDS if isinstance(body.get(f), dict)}


@pytest.mark.parametrize("padding", range(-20, 5))
def test_a_field_may_lie_across_the_end_of_a_window(padding: int) -> None:
    before = {"name": "x" * (data_text.WINDOW_BYTES + padding - len('{"name": "",'))}
    assert cut_data(json.dumps({**before, "dataset": DATA}).encode(), FIELDS, 10**6).data


def test_only_fields_of_the_outermost_object_are_cut() -> None:
    body = {"graph": {"dataset": {"a": 1}}, "list": [{"dataset": {}}], "dataset": DATA}
    cut = cut_data(json.dumps(body).encode(), FIELDS, 10**6)
    assert json.loads(cut.text) == {**body, "dataset": {}}
    assert json.loads(cut.data["dataset"]) == DATA


def test_what_remains_is_limited_and_the_data_are_not() -> None:
    large = {"dataset": {"columns": {"x": [0.25] * 10_000}}}
    cut_data(json.dumps(large).encode(), FIELDS, 100)
    for body in ({**large, "name": "x" * 100}, {"name": "x" * 100, **large}, {"name": "x" * 100}):
        with pytest.raises(TooLarge, match="MAX_DEFINITION_BYTES"):
            cut_data(json.dumps(body).encode(), FIELDS, 100)


def test_a_field_that_appears_twice_is_a_fault() -> None:
    with pytest.raises(Invalid) as refusal:
        cut_data(b'{"dataset": {"a": 1}, "dataset": {"a": 2}}', FIELDS, 100)
    assert refusal.value.faults[0].pointer == "/dataset"


def test_the_marks_of_the_data_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_text, "MOST_MARKS", 10)
    with pytest.raises(Invalid, match="more than 10 strings"):
        cut_data(b'{"dataset": {"x": [' + b'"a",' * 20 + b'"a"]}}', FIELDS, 100)


@pytest.mark.parametrize(
    "text",
    [b'{"dataset": {"x": [1', b'{"dataset": {"x', b'{"dataset": {"x\\"}', b'{"dataset": {{}'],
)
def test_data_that_do_not_end_are_not_json(text: bytes) -> None:
    with pytest.raises(NotJson, match="does not end"):
        cut_data(text, FIELDS, 100)


@pytest.mark.parametrize("text", [b"", b"[", b"{", b'"dataset": 3', b'{"dataset": "dataset_1"}'])
def test_other_texts_stay_as_they_are(text: bytes) -> None:
    assert cut_data(text, FIELDS, 100) == (text, {})
