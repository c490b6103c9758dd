"""TensorFlow Serving's form of strings in base64: `{"b64": "YQ=="}`."""

import base64
from typing import Any

from domain.errors import Fault, Invalid
from domain.graph.walk import Place
from domain.json.pointer import pointer

ENCODED = "b64"


def is_encoded(value: Any) -> bool:
    """Returns whether a JSON value has the form of an encoded string."""
    return isinstance(value, dict) and value.keys() == {ENCODED}


def decode_strings(value: Any, place: Place) -> Any:
    """Returns a string or nested lists of strings with every encoded string decoded.

    Args:
        value: A JSON value; other values are returned as they are.
        place: The place of the value in the request.

    Raises:
        Invalid: A string is not the base64 of UTF-8 text.
    """
    if isinstance(value, list):
        return [decode_strings(item, (*place, index)) for index, item in enumerate(value)]
    return _decode(value[ENCODED], (*place, ENCODED)) if is_encoded(value) else value


def _decode(encoded: Any, place: Place) -> str:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (TypeError, ValueError):
        text = "\0"
    if "\0" in text:
        detail = "This must be the base64 of UTF-8 text without U+0000."
        raise Invalid([Fault(pointer=pointer(*place), detail=detail)])
    return text
