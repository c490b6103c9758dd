"""An object with many unknown fields gives few faults."""

from typing import Any

import pytest
from pydantic import Field, ValidationError

from domain.contract import MOST_FIELDS, Contract


class Inner(Contract):
    size: int
    source: str = Field(default="", alias="from")


class Outer(Contract):
    inner: Inner


def get_places(value: Any) -> list[tuple[int | str, ...]]:
    with pytest.raises(ValidationError) as raised:
        Outer.model_validate(value)
    return [error["loc"] for error in raised.value.errors()]


@pytest.mark.parametrize("count", [MOST_FIELDS + 1, 10**6])
def test_the_faults_of_unknown_fields_are_limited(count: int) -> None:
    unknown = {f"a{i}": 1 for i in range(count)}
    places = get_places({"inner": {**unknown, "size": "no", "from": "x"}})
    expected = [("inner", f"a{i}") for i in range(MOST_FIELDS)]
    assert sorted(places) == sorted([*expected, ("inner", "size")])


def test_known_fields_and_aliases_of_a_large_object_are_kept() -> None:
    unknown = {f"a{i}": 1 for i in range(500)}
    places = get_places({"inner": {**unknown, "size": 3, "from": "x"}})
    assert len(places) == MOST_FIELDS


def test_few_unknown_fields_are_all_faults() -> None:
    places = get_places({"inner": {"size": 1, "a": 1, "b": 2}})
    assert places == [("inner", "a"), ("inner", "b")]
