"""Keras's JSON as untrusted data: parsed, bounded, and read with a pointer for every surprise."""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from domain.errors import Fault, Invalid
from domain.graph.walk import Place
from domain.pointer import pointer

T = TypeVar("T")
DEEPEST = 128
"""Levels of objects and lists: three for each nested model, two for each wrapper."""
_KINDS = {dict: "an object", list: "a list", str: "text", int: "a whole number"}


class Gathered:
    """The faults found so far: one bad part does not hide those of the others."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def attempt(self, make: Callable[[], T]) -> T | None:
        """What `make` gives, or None after its faults have been kept."""
        try:
            return make()
        except Invalid as refusal:
            self.faults += refusal.faults
            return None


def refused(place: Place, detail: str) -> Invalid:
    """The error for one fault at `place`."""
    return Invalid([Fault(pointer=pointer(*place), detail=detail)])


def expect(value: Any, kind: type[T], place: Place) -> T:
    """The value itself.

    Raises:
        Invalid: it is of another JSON type.
    """
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise refused(place, f"This must be {_KINDS[kind]}.")


def parsed(text: str) -> Any:
    """The value of a JSON text, with finite numbers and text that can be sent again.

    Raises:
        Invalid: it is no JSON, or holds what a graph's JSON cannot.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refused((), "This is no JSON; `model.to_json()` gives what belongs here.") from error
    faults = [Fault(pointer=pointer(*place), detail=text) for place, text in _unsound(document)]
    if faults:
        raise Invalid(faults)
    return document


def members(value: Any) -> Iterator[tuple[str | int, Any]]:
    """The keys and values of an object, the positions and items of a list."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _unsound(document: Any) -> Iterator[tuple[Place, str]]:
    waiting: list[tuple[Place, Any]] = [((), document)]
    while waiting:
        place, value = waiting.pop()
        if len(place) > DEEPEST:
            yield place[:3], f"This nests more than {DEEPEST} objects and lists."
            return
        if isinstance(value, float) and not math.isfinite(value):
            yield place, "This number is not finite."
        if not _is_encodable(value) or not all(map(_is_encodable, place[-1:])):
            yield place[:-1], "There is half a character here (a lone surrogate)."
            return
        waiting += [((*place, key), inner) for key, inner in members(value)]


def _is_encodable(value: Any) -> bool:
    try:
        value.encode() if isinstance(value, str) else None
    except UnicodeEncodeError:
        return False
    return True
