"""Values are put into a request at their pointers; faults are found at the values."""

import re
from typing import Any

import jsonpointer
import pytest
from pydantic import TypeAdapter

from domain.errors import Fault
from domain.sweeps.request import Choices, Parameter, Range
from domain.sweeps.space import (
    Unplaceable,
    find_place_faults,
    get_value,
    get_values,
    locate,
    place_values,
)

REQUEST: dict[str, Any] = {
    "graph": {"nodes": [{"name": "a/b", "layer": {"config": {"units": 3}}}, {"name": "c"}]},
    "compile": {"optimizer": "adam"},
}


@pytest.mark.parametrize(
    "place",
    ["/graph/nodes/0/layer/config/units", "/graph/nodes/1/name", "/compile/optimizer", "/seed"],
)
def test_values_are_placed_as_json_pointers_say(place: str) -> None:
    placed = place_values(REQUEST, {place: 7})
    assert jsonpointer.resolve_pointer(placed, place) == 7
    assert jsonpointer.set_pointer(REQUEST, place, 7, inplace=False) == placed


def test_missing_objects_are_made_and_the_request_is_left_alone() -> None:
    placed = place_values(REQUEST, {"/fit/batch_size": 8, "/graph/nodes/1/layer/config/x~1y": 2})
    assert placed["fit"] == {"batch_size": 8}
    assert placed["graph"]["nodes"][1]["layer"] == {"config": {"x/y": 2}}
    assert "fit" not in REQUEST
    assert "layer" not in REQUEST["graph"]["nodes"][1]


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("/graph/nodes/2/name", "an index from 0 to 1"),
        ("/graph/nodes/-/name", "an index from 0 to 1"),
        ("/graph/nodes/00/name", "an index from 0 to 1"),
        ("/compile/optimizer/config/learning_rate", '{"type": "adam", "config": {}}'),
        ("/graph/nodes/0/layer/config/units/x", "is 3 in `request`"),
    ],
)
def test_a_pointer_to_no_place_is_refused(place: str, told: str) -> None:
    with pytest.raises(Unplaceable, match=re.escape(told)):
        place_values(REQUEST, {place: 1})
    (fault,) = find_place_faults({place: Range(low=0, high=1)}, REQUEST)
    assert fault.pointer == "/space/" + place.replace("/", "~1")
    assert told in fault.detail


def test_a_place_inside_another_parameter_is_refused() -> None:
    space = {"/compile": Choices(choices=[{}]), "/compile/jit_compile": Choices(choices=[True])}
    (fault,) = find_place_faults(space, REQUEST)
    assert fault.pointer == "/space/~1compile~1jit_compile"
    assert "'/compile'" in fault.detail


def test_a_pointer_begins_with_a_slash() -> None:
    (fault,) = find_place_faults({"fit": Range(low=0, high=1)}, REQUEST)
    assert (fault.pointer, "/fit/batch_size" in fault.detail) == ("/space/fit", True)


def test_the_type_of_a_range_is_that_of_its_bounds_unless_it_is_given() -> None:
    parse = TypeAdapter[Any](Parameter).validate_python
    whole = parse({"low": 1, "high": 2})
    assert (get_value(whole, 2), type(get_value(whole, 2))) == (2, int)
    for given in ({"low": 0.0, "high": 1}, {"low": 0, "high": 1, "type": "float"}):
        assert not parse(given).is_whole
    assert type(get_value(parse({"low": 0, "high": 1, "type": "float"}), 1)) is float
    assert get_values({"/a": parse({"choices": [None, {"b": []}]})}, {"/a": 1}) == {"/a": {"b": []}}


@pytest.mark.parametrize(
    ("pointer", "place", "is_own"),
    [
        ("/a/b", "/space/~1a~1b/choices/1", True),
        ("/a/b/config/x", "/space/~1a~1b/choices/1/config/x", True),
        ("/c", "/space/~1c/high", True),
        ("/a", "/request/a", False),
        ("/graph/nodes/0", "/request/graph/nodes/0", False),
    ],
)
def test_a_fault_is_found_at_the_value_that_has_it(pointer: str, place: str, is_own: bool) -> None:
    choices = Choices(choices=[1, {"config": {}}])
    space: dict[str, Choices | Range] = {"/a/b": choices, "/c": Range(low=1, high=9)}
    found = locate(Fault(pointer=pointer, detail="wrong"), space, {"/a/b": 1, "/c": 9})
    assert found == (Fault(pointer=place, detail="wrong"), is_own)
