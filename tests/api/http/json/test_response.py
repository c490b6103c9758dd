"""JSON responses that are encoded in parts."""

import json
import math
from typing import Any

import pytest
from pydantic import BaseModel

from api.http.json.response import PART_ITEMS, encode_in_parts, encode_list


class Item(BaseModel):
    value: float


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"a": []},
        {"a": [[]], "b": {}},
        [[1, 2], [3]],
        {'a"b': [1.5, None, True, "é"]},
        list(range(PART_ITEMS * 2 + 1)),
        [[[1] * (PART_ITEMS + 1)]],
    ],
)
def test_parts_give_the_json_of_the_whole(value: Any) -> None:
    assert json.loads(encode_in_parts(value)) == value


def test_numbers_that_are_not_finite_are_null() -> None:
    assert encode_in_parts({"a": [math.nan, 1.0, -math.inf]}) == b'{"a":[null,1.0,null]}'


def test_a_list_of_items() -> None:
    assert json.loads(encode_list("items", [])) == {"items": []}
    items = [Item(value=number) for number in (1, math.nan, 3, math.inf)]
    assert json.loads(encode_list("items", iter(items))) == {
        "items": [{"value": 1}, {"value": None}, {"value": 3}, {"value": None}],
        "non_finite": {"/items/1/value": "NaN", "/items/3/value": "Infinity"},
    }
