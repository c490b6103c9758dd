"""Long lists and mappings are validated until the first slice with a fault."""

from typing import Annotated

import pytest
from pydantic import BaseModel, Field, ValidationError

from domain.early_stop import SLICE, STOP_EARLY


class Item(BaseModel):
    name: str


class Many(BaseModel):
    items: Annotated[list[Item], Field(min_length=1), STOP_EARLY] = []
    texts: Annotated[dict[str, str], STOP_EARLY] = {}


def get_places(value: object) -> list[tuple[int | str, ...]]:
    with pytest.raises(ValidationError) as raised:
        Many.model_validate(value)
    return [error["loc"] for error in raised.value.errors()]


@pytest.mark.parametrize("count", [1, SLICE, SLICE + 1, 3 * SLICE])
def test_valid_items_keep_their_order(count: int) -> None:
    made = Many.model_validate(
        {
            "items": [{"name": str(i)} for i in range(count)],
            "texts": {str(i): "x" for i in range(count)},
        }
    )
    assert [item.name for item in made.items] == [str(i) for i in range(count)]
    assert list(made.texts) == [str(i) for i in range(count)]


def test_a_million_faults_are_those_of_one_slice() -> None:
    assert get_places({"items": [{}] * 10**6}) == [("items", i, "name") for i in range(SLICE)]


def test_faults_in_a_later_slice_have_their_index_and_text() -> None:
    items: list[object] = [{"name": "x"}] * (2 * SLICE) + [{"name": 5}, {}, 3]
    with pytest.raises(ValidationError) as raised:
        Many.model_validate({"items": items})
    short = [{"name": 5}, {}, 3]
    with pytest.raises(ValidationError) as expected:
        Many.model_validate({"items": short})
    found, wanted = raised.value.errors(), expected.value.errors()
    assert [error["msg"] for error in found] == [error["msg"] for error in wanted]
    assert [error["type"] for error in found] == [error["type"] for error in wanted]
    assert [error["loc"][1] for error in found] == [2 * SLICE, 2 * SLICE + 1, 2 * SLICE + 2]


def test_a_mapping_of_many_faults_has_those_of_one_slice() -> None:
    places = get_places({"texts": {str(i): i for i in range(5 * SLICE)}})
    assert places == [("texts", str(i)) for i in range(SLICE)]


def test_short_lists_keep_the_rules_of_their_field() -> None:
    assert get_places({"items": []}) == [("items",)]
