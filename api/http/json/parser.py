"""Parses JSON bodies strictly by RFC 8259, with a limit on their depth."""

import gc
import re
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from math import isfinite
from threading import Lock
from typing import Any

from pydantic_core import from_json

from domain.errors import Fault, Invalid, NotJson, raise_if_any
from domain.json.pointer import pointer
from domain.json.text import explain_other_encoding, find_duplicate_keys, skip_byte_order_mark

DEEPEST = 200
"""Largest depth of arrays and objects; pydantic-core has the same limit."""
LARGE_BYTES = 256 * 1024
"""A larger body is parsed without garbage collections."""
_MAYBE_TOO_LARGE = re.compile(rb"[eE]\+?\d{3}|\d{300}")
_MAYBE_NUL = b"\\u0000"


class CollectionPause:
    """Pauses the garbage collector while any thread is in its context.

    A parser makes millions of objects in no cycle. Each collection would walk all of them, while it
    holds the interpreter and so blocks all other requests.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._threads = 0
        self._was_enabled = True

    def __enter__(self) -> None:
        with self._lock:
            if self._threads == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._threads += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._threads -= 1
            if self._threads == 0 and self._was_enabled:
                gc.enable()


PAUSE = CollectionPause()


def parse_json(raw: bytes) -> Any:
    """Returns the value of a JSON body.

    Raises:
        NotJson: The body is not JSON; the detail names the line and column.
        Invalid: The body nests too deeply, has a number or string that cannot be stored, or has an
            object with the same key twice.
    """
    raw = skip_byte_order_mark(raw)
    pause = PAUSE if len(raw) > LARGE_BYTES else nullcontext()
    try:
        with pause:
            value = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise _convert_parse_error(str(error), raw) from error
    faults = find_duplicate_keys(raw, value)
    if _MAYBE_NUL in raw or _MAYBE_TOO_LARGE.search(raw):
        faults = chain(_find_unstorable(value, ()), faults)
    raise_if_any(faults)
    return value


def _convert_parse_error(reason: str, raw: bytes) -> NotJson | Invalid:
    if reason.startswith("recursion limit exceeded"):
        where = reason.removeprefix("recursion limit exceeded ")
        detail = f"The JSON nests deeper than {DEEPEST} levels, {where}; graphs nest at most 32."
        return Invalid([Fault(pointer="", detail=detail)])
    if not raw.strip():
        return NotJson("The body is empty; a JSON value is needed.")
    if (encoding := explain_other_encoding(raw)) is not None:
        return NotJson(encoding)
    return NotJson(f"The body is not JSON: {reason}.{_hint_at(reason, raw)}")


def _hint_at(reason: str, raw: bytes) -> str:
    if reason.startswith(("unexpected end of hex escape", "lone leading surrogate")):
        return " Half a character is escaped (a lone surrogate)."
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
