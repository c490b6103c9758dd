"""Where a graph stands while it is built: its place, its names and the layers around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple

from domain.errors import Invalid
from domain.graph.language import Blueprint, GraphDefinition, LayerNode
from domain.graph.walk import Place
from domain.ids import ModelId


class Made(NamedTuple):
    """A layer that exists: Keras's object and what the graph language knows of it."""

    keras: Any
    type: str
    inputs: Sequence[str] | None = None
    """Of a graph or model: the names of its inputs, in order."""
    outputs: Sequence[str] | None = None
    """Of a graph or model: the names of its outputs, in order."""
    activation_bytes: int | None = None
    """Of a graph or model: what one row of all its nodes' outputs takes."""


Path = tuple[str, ...]
"""The tokens of a key: a layer's name, then those of the layers inside it."""


@dataclass(frozen=True)
class Scope:
    """One graph being built."""

    definition: GraphDefinition
    sources: Mapping[ModelId, Blueprint]
    place: Place = ()
    """Where the definition lies, from the root."""
    path: Path = ()
    """What the keys of its layers' weights begin with."""
    outer: "Scope | None" = None
    is_copy: bool = False
    """It belongs to a trained model, whose weights are copied as a whole."""
    shared: dict[str, Made] = field(default_factory=dict)
    """The entries of `layers` that exist already."""
    refused: dict[str, Invalid] = field(default_factory=dict)
    """The entries of `layers` that cannot be made."""

    def nested(self, definition: GraphDefinition, path: Path, place: Place) -> "Scope":
        """A graph written inside this one, which may name this one's layers."""
        return Scope(definition, self.sources, place, path, outer=self, is_copy=self.is_copy)

    def definer(self, name: str) -> "Scope":
        """The graph, this or an enclosing one, whose `layers` has the entry."""
        if name in self.definition.layers or self.outer is None:
            return self
        return self.outer.definer(name)

    @cached_property
    def _borrowed(self) -> set[str]:
        """What Keras calls the enclosing graphs' layers that nodes here use."""
        names = {
            node.layer
            for node in self.definition.nodes
            if isinstance(node, LayerNode) and isinstance(node.layer, str)
        }
        definers = {name: self.definer(name) for name in names}
        return {d.shared_names[n] for n, d in definers.items() if d is not self}

    @cached_property
    def _in_sight(self) -> set[tuple[str, str]]:
        """Each shared layer that graphs nested in this one may name, and what Keras calls it."""
        return {*self.shared_names.items(), *(self.outer._in_sight if self.outer else ())}

    @cached_property
    def input_names(self) -> dict[str, str]:
        """What Keras calls each input: its name, unless a borrowed layer has it."""
        names = [item.name for item in self.definition.inputs]
        reserved = {n.name for n in self.definition.nodes} | {*self.shared_names.values()}
        return _distinct(names, self._borrowed, reserved)

    @cached_property
    def shared_names(self) -> dict[str, str]:
        """What Keras and the weights' keys call each entry of `layers`."""
        around = self.outer._in_sight if self.outer and self.definition.layers else set()
        taken = {item.name for item in self.definition.inputs}
        taken |= {called for name, called in around if called != name}
        reserved = {n.name for n in self.definition.nodes} | {called for _, called in around}
        return _distinct(self.definition.layers, taken, reserved)

    @cached_property
    def node_names(self) -> dict[str, str]:
        """What Keras and the weights' keys call the layer written at each node."""
        taken = self._borrowed | {*self.shared_names.values()}
        reserved = self.input_names.values()
        return _distinct([n.name for n in self.definition.nodes], taken, reserved)


def _distinct(names: Any, taken: Any, reserved: Any) -> dict[str, str]:
    """Each name, or where it is taken, the name with the first number that makes it free."""
    used = {*taken, *reserved, *names}
    result: dict[str, str] = {}
    for name in names:
        result[name] = name
        if name in taken:
            result[name] = next(f for i in count(1) if (f := f"{name}_{i}") not in used)
            used.add(result[name])
    return result
