"""Maps a fault of a derived document to its place in the request body that it came from.

The server checks documents that the client did not send in that form: a graph whose stored parts
are expanded, Keras's JSON read as a graph, a recipe whose lists are resolved to names. The client
gets every fault at a place that its own body has.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.errors import Fault
from domain.json.pointer import pointer, tokens_of


@dataclass(frozen=True)
class SourceMap:
    """Where the parts of a derived document lie in the body as sent."""

    prefix: str = ""
    """Pointer to the value in the body that the document was made from."""
    places: Mapping[str, str] = field(default_factory=lambda: {"": ""})
    """Pointers into the document, to pointers below `prefix`. What follows the longest known
    beginning is kept; a pointer without a known beginning leads to `prefix`."""
    body: Any = None
    """The body; without one, pointers are not shortened to what it has."""
    opaque: frozenset[str] = frozenset()
    """Keys of `places` whose inner parts have no place of their own in the body."""
    is_text: bool = False
    """The value at `prefix` is JSON written as text: the detail names the place inside it."""

    def locate(self, fault: Fault) -> Fault:
        """Return the same fault, at its place in the body."""
        whole = self._translated(fault.pointer)
        place = self._shortened(whole)
        if self.is_text and whole.startswith(f"{place}/"):
            detail = f"At {whole.removeprefix(place)}: {fault.detail}"
            return Fault(pointer=place, detail=detail)
        return fault.at(place)

    def locate_all(self, faults: Iterable[Fault]) -> list[Fault]:
        """Return the same faults, at their places in the body."""
        return [self.locate(fault) for fault in faults]

    def place_of(self, text: str) -> str:
        """Return the pointer into the body for a pointer into the document."""
        return self._shortened(self._translated(text))

    def existing_place_of(self, text: str) -> str:
        """Return the longest beginning of the place that exists, without a missing last key."""
        kept, _ = _walk(tokens_of(self._translated(text)), self.body)
        return pointer(*kept)

    def place_of_error(self, location: Iterable[str | int], *, is_missing: bool) -> str:
        """Return the place of a pydantic error, without the union tags in its `loc`.

        Args:
            location: The error's `loc`, from the root of the body.
            is_missing: Whether the last token names a field that the body does not have.
        """
        kept: list[str | int] = []
        value, tokens = self.body, list(location)
        for index, token in enumerate(tokens):
            exists, inner = _step(value, token)
            if exists:
                value = inner
            if exists or (is_missing and index == len(tokens) - 1):
                kept.append(token)
        return pointer(*kept)

    def _translated(self, text: str) -> str:
        known, rest = text, ""
        while known not in self.places:
            if not known:
                return self.prefix
            known, _, token = known.rpartition("/")
            rest = f"/{token}{rest}"
        return self.prefix + self.places[known] + ("" if known in self.opaque else rest)

    def _shortened(self, text: str) -> str:
        """Return the longest beginning that the body has, plus one missing key or index."""
        if self.body is None:
            return text
        tokens = tokens_of(text)
        kept, value = _walk(tokens, self.body)
        missing = tokens[len(kept) :][:1] if isinstance(value, dict | list) else []
        return pointer(*kept, *missing)


def _walk(tokens: list[str], value: Any) -> tuple[list[str], Any]:
    """Return the leading tokens that exist in a value, and the value that they lead to."""
    for count, token in enumerate(tokens):
        exists, inner = _step(value, token)
        if not exists:
            return tokens[:count], value
        value = inner
    return tokens, value


def _step(value: Any, token: str | int) -> tuple[bool, Any]:
    """Return whether a value has a key or index, and the value there."""
    if isinstance(value, dict) and token in value:
        return True, value[token]
    if isinstance(value, list) and str(token).isdigit() and int(token) < len(value):
        return True, value[int(token)]
    return False, value
