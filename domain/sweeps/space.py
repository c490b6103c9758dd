"""Puts suggested values into a job request, at their JSON Pointers."""

import re
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

from domain.errors import Fault
from domain.json.pointer import pointer, tokens_of
from domain.sweeps.request import Choices, Parameter

_STRAY_TILDE = re.compile("~(?![01])")
Suggestion = Mapping[str, int | float]
"""By pointer: a number of a range, or the index of a choice."""
Space = Mapping[str, Parameter]


class Unplaceable(Exception):
    """A pointer leads to no place of the request; the text says why."""


def get_value(parameter: Parameter, suggested: int | float) -> Any:
    """Return the JSON value of a suggestion."""
    if isinstance(parameter, Choices):
        return parameter.choices[int(suggested)]
    return int(suggested) if parameter.is_whole else float(suggested)


def get_values(space: Space, suggestion: Suggestion) -> dict[str, Any]:
    """Return the JSON values of a suggestion, by pointer."""
    return {place: get_value(space[place], given) for place, given in suggestion.items()}


def place_values(request: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of a request with values at their pointers; missing objects are made.

    Raises:
        Unplaceable: A pointer leads to no place.
    """
    for place, value in values.items():
        request = _place(request, tokens_of(place), value, "")
    return request


def _place(node: Any, tokens: list[str], value: Any, above: str) -> Any:
    if not tokens:
        return value
    token, *rest = tokens
    if isinstance(node, dict):
        inner = node.get(token, {} if rest else None)
        return {**node, token: _place(inner, rest, value, above + pointer(token))}
    if isinstance(node, list):
        index = _find_index(token, node, above)
        changed = copy(node)
        changed[index] = _place(node[index], rest, value, above + pointer(token))
        return changed
    raise Unplaceable(_describe_leaf(node, token, above))


def _find_index(token: str, items: list[Any], above: str) -> int:
    if token.isdecimal() and token == str(int(token)) and int(token) < len(items):
        return int(token)
    last = f"an index from 0 to {len(items) - 1}" if items else "no index, since it is empty"
    raise Unplaceable(f"'{above}' is a list, which has {last}, not '{token}'.")


def _describe_leaf(node: Any, token: str, above: str) -> str:
    what = "null" if node is None else f"the text '{node}'" if isinstance(node, str) else str(node)
    detail = f"'{above}' is {what} in `request`, which has no '{token}'."
    if isinstance(node, str) and above == "/graph":
        return f"{detail} Write the definition of the graph instead of its id."
    if isinstance(node, str):
        return f'{detail} Write it as an object, e.g. {{"type": "{node}", "config": {{}}}}.'
    return detail


def find_place_faults(space: Space, request: Any) -> Iterator[Fault]:
    """Yield a fault for each pointer that leads to no place, or into the value of another one."""
    places = set(space)
    for place, parameter in space.items():
        at = pointer("space", place)
        if not place.startswith("/"):
            detail = "A JSON Pointer into `request` begins with '/', e.g. '/fit/batch_size'."
            yield Fault(pointer=at, detail=detail)
            continue
        if _STRAY_TILDE.search(place):
            detail = "In a JSON Pointer '~' is written '~0', and '/' in a name '~1'."
            yield Fault(pointer=at, detail=detail)
            continue
        outer = next((one for one in _list_beginnings(place) if one in places), None)
        if outer is not None:
            detail = f"'{outer}' is a parameter too, whose values replace this place."
            yield Fault(pointer=at, detail=detail)
            continue
        sample = parameter.choices[0] if isinstance(parameter, Choices) else parameter.low
        try:
            place_values(request, {place: sample})
        except Unplaceable as error:
            yield Fault(pointer=at, detail=str(error))


def _list_beginnings(place: str) -> Iterator[str]:
    while place := place.rpartition("/")[0]:
        yield place


def locate(fault: Fault, space: Space, suggestion: Suggestion) -> tuple[Fault, bool]:
    """Return a fault of a trial's request at its place in the request of the sweep.

    Returns:
        The fault, and whether the value of a parameter has it.
    """
    for place in (fault.pointer, *_list_beginnings(fault.pointer)):
        if place in suggestion:
            rest = fault.pointer.removeprefix(place)
            at = _locate_value(space[place], place, suggestion[place])
            return fault.at(f"{at}{rest}" if at.count("/choices/") else at), True
    return fault.at(f"/request{fault.pointer}"), False


def _locate_value(parameter: Parameter, place: str, suggested: int | float) -> str:
    if isinstance(parameter, Choices):
        return pointer("space", place, "choices", int(suggested))
    bounds = {parameter.low: "low", parameter.high: "high"}
    bound = bounds.get(suggested)
    return pointer("space", place) if bound is None else pointer("space", place, bound)
