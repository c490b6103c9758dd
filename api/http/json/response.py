"""JSON responses: numbers that are not finite become null and are named in `non_finite`."""

from collections.abc import Iterable
from typing import Any

from fastapi import Response
from pydantic import BaseModel
from pydantic_core import to_json

from api.http.json.non_finite import mark_non_finite, name_places

PART_ITEMS = 20_000
"""The most numbers that are encoded at once."""


def make_json_response(
    value: BaseModel, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Returns a response with the JSON of `value`, and with `non_finite` if it is needed."""
    return Response(encode_json(value), status, headers, "application/json")


def encode_json(value: BaseModel) -> bytes:
    """Returns the JSON of a response."""
    return encode_document(value.model_dump(mode="json", by_alias=True, exclude={"non_finite"}))


def encode_document(document: dict[str, Any]) -> bytes:
    """Returns the JSON of an object, with `non_finite` if it is needed."""
    return to_json(mark_non_finite(document), inf_nan_mode="null")


def encode_list(name: str, items: Iterable[BaseModel], **others: Any) -> bytes:
    """Returns the JSON of an object with one list, and with `non_finite` if it is needed.

    Only the JSON of all items is in memory, and the interpreter is held for one item at a time.

    Args:
        name: The field with the list.
        items: The items of the list.
        others: The fields after the list.
    """
    parts: list[bytes] = []
    names: dict[str, str] = {}
    for index, item in enumerate(items):
        value = item.model_dump(mode="json", by_alias=True)
        names.update(name_places(value, (name, index)))
        parts.append(to_json(value, inf_nan_mode="null"))
    rest = {**others, "non_finite": names} if names else others
    end = b"," + to_json(rest)[1:] if rest else b"}"
    return b"{" + to_json(name) + b":[" + b",".join(parts) + b"]" + end


def encode_in_parts(value: Any) -> bytes:
    """Returns the JSON of lists and objects of numbers, with null for numbers that are not finite.

    The encoder holds the interpreter while it runs; between two parts other threads run.
    """
    if isinstance(value, dict) and value:
        items = [to_json(key) + b":" + encode_in_parts(item) for key, item in value.items()]
        return b"{" + b",".join(items) + b"}"
    if isinstance(value, list) and value and isinstance(value[0], list):
        return b"[" + b",".join(encode_in_parts(item) for item in value) + b"]"
    if isinstance(value, list) and len(value) > PART_ITEMS:
        starts = range(0, len(value), PART_ITEMS)
        parts = [encode_in_parts(value[start : start + PART_ITEMS])[1:-1] for start in starts]
        return b"[" + b",".join(parts) + b"]"
    return to_json(value, inf_nan_mode="null")
