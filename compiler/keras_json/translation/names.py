"""Names that a graph accepts, made from the names in Keras JSON."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from compiler.keras_json.parsing.document import members
from compiler.keras_json.parsing.parsed_model import Model, Tensor
from domain.graph.language import Name

_LONGEST = 64
_name: TypeAdapter[str] = TypeAdapter(Name)


class UniqueNames:
    """NameMap in use, from which further ones are kept apart."""

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


class NameMap:
    """One name of ours for each of Keras's, everywhere in a document; never one for two."""

    def __init__(self, document: Any) -> None:
        self._taken = UniqueNames(name for name in _all_names(document) if is_name(name))
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


CallKey = tuple[str, int]
"""Keras's name of a layer, and which of its calls."""


class GraphNames(NamedTuple):
    """The names of one graph."""

    inputs: Mapping[str, str]
    """By the name of the input's layer, in the order in which Keras counts them."""
    nodes: Mapping[CallKey, str]


def choose_names(model: Model, calls: Collection[CallKey], names: NameMap) -> GraphNames:
    """NameMap for all that a graph has.

    Args:
        model: Its inputs are layers of it.
        calls: Those that become nodes.
        names: Of the whole document.
    """
    own = {name: names.of(name) for name, _ in calls}
    taken = UniqueNames(own.values())
    inputs = {
        tensor.layer: taken.apart(names.of(tensor.layer if key is None else key))
        for key, tensor in keyed_tensors(model.inputs)
    }
    nodes = {
        (layer, i): taken.apart(own[layer], joint="__", first=i + 1) if i else own[layer]
        for layer, i in calls
    }
    return GraphNames(inputs, nodes)


def choose_shared_names(model: Model, outer: Collection[str], names: NameMap) -> dict[str, str]:
    """Entries of `layers` for what is called more than once, called as in no enclosing graph."""
    shared = {
        layer.name: names.of(layer.name) for layer in model.layers.values() if len(layer.calls) > 1
    }
    taken = UniqueNames({*outer, *shared.values()})
    return {k: taken.apart(v) if v in outer else v for k, v in shared.items()}


def keyed_tensors(
    structure: Any, order: Callable[[Iterable[str]], Iterable[str]] = sorted
) -> list[tuple[str | None, Tensor]]:
    """Every tensor with the key that it alone has in a mapping.

    Args:
        structure: A tensor, or lists and mappings of them.
        order: Of the keys of a mapping; Keras counts them sorted.
    """
    if isinstance(structure, Tensor):
        return [(None, structure)]
    if isinstance(structure, list):
        return [pair for item in structure for pair in keyed_tensors(item, order)]
    pairs = [
        (key, pair) for key in order(structure) for pair in keyed_tensors(structure[key], order)
    ]
    return [(k if isinstance(structure[k], Tensor) else inner, t) for k, (inner, t) in pairs]
