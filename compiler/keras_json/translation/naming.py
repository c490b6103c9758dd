"""What the inputs, nodes and shared layers of one graph are called."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from compiler.keras_json.parsing.calls import Model, Tensor
from compiler.keras_json.translation.names import Names, Taken

CallKey = tuple[str, int]
"""Keras's name of a layer, and which of its calls."""


class Naming(NamedTuple):
    """The names of one graph."""

    inputs: Mapping[str, str]
    """By the name of the input's layer, in the order in which Keras counts them."""
    nodes: Mapping[CallKey, str]


def naming(model: Model, calls: Collection[CallKey], names: Names) -> Naming:
    """Names for all that a graph has.

    Args:
        model: Its inputs are layers of it.
        calls: Those that become nodes.
        names: Of the whole document.
    """
    own = {name: names.of(name) for name, _ in calls}
    taken = Taken(own.values())
    inputs = {
        tensor.layer: taken.apart(names.of(tensor.layer if key is None else key))
        for key, tensor in labelled(model.inputs)
    }
    nodes = {
        (layer, i): taken.apart(own[layer], joint="__", first=i + 1) if i else own[layer]
        for layer, i in calls
    }
    return Naming(inputs, nodes)


def shared_names(model: Model, outer: Collection[str], names: Names) -> dict[str, str]:
    """Entries of `layers` for what is called more than once, called as in no enclosing graph."""
    shared = {
        layer.name: names.of(layer.name) for layer in model.layers.values() if len(layer.calls) > 1
    }
    taken = Taken({*outer, *shared.values()})
    return {k: taken.apart(v) if v in outer else v for k, v in shared.items()}


def labelled(
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
        return [pair for item in structure for pair in labelled(item, order)]
    pairs = [(key, pair) for key in order(structure) for pair in labelled(structure[key], order)]
    return [(k if isinstance(structure[k], Tensor) else inner, t) for k, (inner, t) in pairs]
