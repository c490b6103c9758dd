"""Parses untrusted JSON, and reports each fault with its JSON Pointer."""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from domain.errors import MOST_FAULTS, Fault, Invalid
from domain.graph.walk import Place
from domain.json.pointer import pointer
from domain.json.text import find_duplicate_keys

T = TypeVar("T")
DEEPEST = 128
"""Nesting limit of objects and lists. A nested model takes three levels, a wrapper two."""
_KINDS = {dict: "an object", list: "a list", str: "text", int: "a whole number"}


class TooManyFaults(Exception):
    """MOST_FAULTS faults were collected; the rest of the document is not read."""


class FaultCollector:
    """Collects faults, so that one answer reports the faults of every part."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def attempt(self, make: Callable[[], T]) -> T | None:
        """Call `make` and return its result; on `Invalid`, collect its faults and return None.

        Raises:
            TooManyFaults: The collector is full.
        """
        try:
            return make()
        except Invalid as refusal:
            self.add(refusal.faults)
            return None

    def add(self, faults: Iterable[Fault]) -> None:
        """Collect faults; those beyond MOST_FAULTS are not even made.

        Raises:
            TooManyFaults: The collector is full.
        """
        self.faults += islice(faults, MOST_FAULTS - len(self.faults))
        if len(self.faults) >= MOST_FAULTS:
            raise TooManyFaults


def invalid_at(place: Place, detail: str) -> Invalid:
    """Return the error with one fault at `place`."""
    return Invalid([Fault(pointer=pointer(*place), detail=detail)])


def expect(value: Any, kind: type[T], place: Place) -> T:
    """Return the value if it has the JSON type `kind`.

    Raises:
        Invalid: The value has another JSON type.
    """
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise invalid_at(place, f"This must be {_KINDS[kind]}.")


def as_whole(value: Any) -> Any:
    """Return a number like 2.0 as an integer, any other value as it is.

    Some languages write every number with a fraction.
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value


def parse_json(text: str) -> Any:
    """Parse a JSON text whose numbers are finite and whose strings are valid Unicode.

    Raises:
        Invalid: The text is not JSON, nests too deep, or has a non-finite number or a lone
            surrogate, or an object has the same key twice.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid_at(
            (), "This is no JSON; `model.to_json()` gives what belongs here."
        ) from error
    unsound = islice(_unsound(document), MOST_FAULTS)
    faults = [Fault(pointer=pointer(*place), detail=text) for place, text in unsound]
    faults = faults or list(islice(find_duplicate_keys(text, document), MOST_FAULTS))
    if faults:
        raise Invalid(faults)
    return document


def members(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Iterate over the keys and values of an object, or the indices and items of a list."""
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
