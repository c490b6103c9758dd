"""Names that a graph takes, for those that Keras's JSON has."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from compiler.keras_json.parsing.document import members
from domain.graph.language import Name

_LONGEST = 64
_name: TypeAdapter[str] = TypeAdapter(Name)


class Taken:
    """Names in use, from which further ones are kept apart."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = set(names)
        self._last: Counter[str] = Counter()

    def apart(self, wanted: str, joint: str = "_", first: int = 1) -> str:
        """A name like the one wanted, taken from now on: with a number where that is taken."""
        name = wanted
        self._last[wanted] = max(self._last[wanted], first - 1)
        while name in self._names:
            self._last[wanted] += 1
            ending = f"{joint}{self._last[wanted]}"
            name = wanted[: _LONGEST - len(ending)] + ending
        self._names.add(name)
        return name


class Names:
    """One name of ours for each of Keras's, everywhere in a document; never one for two."""

    def __init__(self, document: Any) -> None:
        self._taken = Taken(name for name in _all_names(document) if is_name(name))
        self.renamed: dict[str, str] = {}
        """Those that had to change, to what they became."""

    def of(self, name: str) -> str:
        """The name itself where a graph takes it."""
        if is_name(name):
            return name
        if name not in self.renamed:
            self.renamed[name] = self._taken.apart(_likened(name))
        return self.renamed[name]


def is_name(text: str) -> bool:
    """Whether a graph takes this name."""
    try:
        _name.validate_python(text)
    except ValidationError:
        return False
    return True


def _likened(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name[: 2 * _LONGEST]).strip("_")
    return (plain if plain[:1].isalpha() else f"layer_{plain}".rstrip("_"))[:_LONGEST]


def _all_names(document: Any) -> set[str]:
    """Everything in a document that may become a name."""
    found: set[str] = set()
    waiting = [document]
    while waiting:
        for key, value in members(waiting.pop()):
            if key == "name" and isinstance(value, str):
                found.add(value)
            elif key in ("input_layers", "output_layers") and isinstance(value, dict):
                found.update(value)
            waiting.append(value)
    return found
