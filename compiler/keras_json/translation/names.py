"""Makes names that a graph accepts from the names in Keras's JSON."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from compiler.keras_json.parsing.document import members
from compiler.keras_json.parsing.parsed_model import Model, Tensor
from domain.graph.language import Name

_MAX_LENGTH = 64
"""Maximum number of characters of a `Name`."""
_name: TypeAdapter[str] = TypeAdapter(Name)


class UniqueNames:
    """Names in use."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = set(names)
        self._last: Counter[str] = Counter()

    def make_unique(self, wanted: str, joint: str = "_", first: int = 1) -> str:
        """Return `wanted`, with a number at its end if it is in use; add it to the names in use.

        Args:
            wanted: The preferred name.
            joint: The characters between the name and the number.
            first: The lowest number to append.
        """
        name = wanted
        self._last[wanted] = max(self._last[wanted], first - 1)
        while name in self._names:
            self._last[wanted] += 1
            ending = f"{joint}{self._last[wanted]}"
            name = wanted[: _MAX_LENGTH - len(ending)] + ending
        self._names.add(name)
        return name


class NameMap:
    """Maps Keras's names to names in the graph, one to one, for a whole document."""

    def __init__(self, document: Any) -> None:
        self._used = UniqueNames(name for name in _find_names(document) if is_name(name))
        self.renamed: dict[str, str] = {}
        """Names that a graph does not accept, and the names that replace them."""

    def graph_name(self, name: str) -> str:
        """Return the name itself if a graph accepts it, otherwise the name that replaces it."""
        if is_name(name):
            return name
        if name not in self.renamed:
            self.renamed[name] = self._used.make_unique(_make_valid(name))
        return self.renamed[name]


def is_name(text: str) -> bool:
    """Whether a graph accepts this name."""
    try:
        _name.validate_python(text)
    except ValidationError:
        return False
    return True


def _make_valid(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name[: 2 * _MAX_LENGTH]).strip("_")
    return (plain if plain[:1].isalpha() else f"layer_{plain}".rstrip("_"))[:_MAX_LENGTH]


def _find_names(document: Any) -> set[str]:
    """Return every string in a document that may become a name."""
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
"""A layer's name in Keras, and the number of one of its calls, from 0."""


class GraphNames(NamedTuple):
    """The names of one graph."""

    inputs: Mapping[str, str]
    """The names of the inputs by their layers' names in Keras, in Keras's order."""
    nodes: Mapping[CallKey, str]
    """The names of the nodes by the calls that they are."""


def choose_names(model: Model, calls: Collection[CallKey], names: NameMap) -> GraphNames:
    """Return the names of a graph's inputs and nodes.

    Args:
        model: A model whose inputs are InputLayers of its own.
        calls: The calls that become nodes.
        names: The names of the whole document.
    """
    own = {name: names.graph_name(name) for name, _ in calls}
    used = UniqueNames(own.values())
    inputs = {
        tensor.layer: used.make_unique(names.graph_name(tensor.layer if key is None else key))
        for key, tensor in keyed_tensors(model.inputs)
    }
    nodes = {
        (layer, i): used.make_unique(own[layer], joint="__", first=i + 1) if i else own[layer]
        for layer, i in calls
    }
    return GraphNames(inputs, nodes)


def choose_shared_names(model: Model, outer: Collection[str], names: NameMap) -> dict[str, str]:
    """Return the names, in `layers` of the graph, of the layers that are called more than once.

    Args:
        model: The model.
        outer: The names of the enclosing graphs' shared layers, which are not used again.
        names: The names of the whole document.

    Returns:
        The names by the layers' names in Keras.
    """
    called_again = [layer.name for layer in model.layers.values() if len(layer.calls) > 1]
    shared = {name: names.graph_name(name) for name in called_again}
    used = UniqueNames({*outer, *shared.values()})
    return {k: used.make_unique(v) if v in outer else v for k, v in shared.items()}


def keyed_tensors(
    structure: Any, order: Callable[[Iterable[str]], Iterable[str]] = sorted
) -> list[tuple[str | None, Tensor]]:
    """Return every tensor with its key; the key is None for a tensor outside a mapping.

    Args:
        structure: A tensor, or lists and mappings of tensors.
        order: Orders the keys of a mapping. Keras sorts them.
    """
    if isinstance(structure, Tensor):
        return [(None, structure)]
    if isinstance(structure, list):
        return [pair for item in structure for pair in keyed_tensors(item, order)]
    pairs = [
        (key, pair) for key in order(structure) for pair in keyed_tensors(structure[key], order)
    ]
    return [(k if isinstance(structure[k], Tensor) else inner, t) for k, (inner, t) in pairs]
