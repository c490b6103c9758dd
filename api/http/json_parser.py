"""Parses JSON bodies strictly by RFC 8259, with a limit on their depth."""

import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

from pydantic_core import from_json

from domain.errors import Fault, Invalid, NotJson
from domain.pointer import pointer

DEEPEST = 200
"""Largest depth of arrays and objects; pydantic-core has the same limit."""
_MAYBE_TOO_LARGE = re.compile(rb"[eE]\+?\d{3}|\d{300}")
_MAYBE_NUL = b"\\u0000"


def parse_json(raw: bytes) -> Any:
    """Returns the value of a JSON body.

    Raises:
        NotJson: The body is not JSON; the detail names the line and column.
        Invalid: The body nests too deeply, or has a number or string that cannot be stored.
    """
    try:
        value = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise _convert_parse_error(str(error), raw) from error
    if _MAYBE_NUL in raw or _MAYBE_TOO_LARGE.search(raw):
        _refuse(list(_find_unstorable(value, ())))
    return value


def _convert_parse_error(reason: str, raw: bytes) -> NotJson | Invalid:
    if reason.startswith("recursion limit exceeded"):
        where = reason.removeprefix("recursion limit exceeded ")
        detail = f"The JSON nests deeper than {DEEPEST} levels, {where}; graphs nest at most 32."
        return Invalid([Fault(pointer="", detail=detail)])
    if not raw.strip():
        return NotJson("The body is empty; a JSON value is needed.")
    return NotJson(f"The body is not JSON: {reason}.{_hint_at(reason, raw)}")


def _hint_at(reason: str, raw: bytes) -> str:
    found = re.search(r"line (\d+) column (\d+)$", reason)
    if found is None:
        return ""
    line, column = int(found[1]), int(found[2])
    rest = raw.split(b"\n")[line - 1][max(column - 2, 0) : column + 10].lstrip(b" :,[-")
    named = [word for word in ("NaN", "Infinity") if rest.startswith(word.encode())]
    return f" {named[0]} is not JSON." if named else ""


def _find_unstorable(value: Any, place: tuple[str | int, ...]) -> Iterator[Fault]:
    if isinstance(value, float) and not isfinite(value):
        detail = "The number is too large for 64 bits."
        yield Fault(pointer=pointer(*place), detail=detail)
    elif isinstance(value, str) and "\0" in value:
        yield Fault(pointer=pointer(*place), detail="A string cannot contain the character U+0000.")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _find_unstorable(item, (*place, i))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _find_unstorable(key, (*place, key))
            yield from _find_unstorable(item, (*place, key))


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Invalid(faults)
