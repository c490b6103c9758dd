"""JSON responses: numbers that are not finite become null and are named in `non_finite`."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

from fastapi import Response
from pydantic import BaseModel
from pydantic_core import to_json

from domain.non_finite import name_non_finite
from domain.pointer import pointer

Place = tuple[str | int, ...]


def make_json_response(
    value: BaseModel, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Returns a response with the JSON of `value`, and with `non_finite` if it is needed."""
    return Response(encode_json(value), status, headers, "application/json")


def encode_json(value: BaseModel) -> bytes:
    """Returns the JSON of a response."""
    document = value.model_dump(mode="json", by_alias=True, exclude={"non_finite"})
    return to_json(mark_non_finite(document), inf_nan_mode="null")


def mark_non_finite(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the document, with a top-level `non_finite` if a number in it is not finite."""
    found = {
        pointer(*place): name_non_finite(number) for place, number in _find_non_finite(document, ())
    }
    return {**document, "non_finite": found} if found else document


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
