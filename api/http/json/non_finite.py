"""Names the numbers of a JSON document that are not finite, in its `non_finite`."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

from domain.json.non_finite import name_non_finite
from domain.json.pointer import pointer

Place = tuple[str | int, ...]


def mark_non_finite(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the document, with a top-level `non_finite` if a number in it is not finite."""
    found = name_places(document, ())
    return {**document, "non_finite": found} if found else document


def name_places(value: Any, place: Place) -> dict[str, str]:
    """Returns the names of the numbers in a value that are not finite, by JSON Pointer.

    Args:
        value: A JSON value.
        place: The place of the value in its document.
    """
    found = _find_non_finite(value, place)
    return {pointer(*inner): name_non_finite(number) for inner, number in found}


def _find_non_finite(value: Any, place: Place) -> Iterator[tuple[Place, float]]:
    if isinstance(value, float):
        if not isfinite(value):
            yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _find_non_finite(item, (*place, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _find_non_finite(item, (*place, i))
