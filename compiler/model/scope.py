"""The context of a graph that is being built: its place, its names and the enclosing graphs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple

from domain.errors import Invalid
from domain.graph.language import Blueprint, GraphDefinition, LayerNode
from domain.graph.walk import Place
from domain.ids import ModelId


class BuiltLayer(NamedTuple):
    """A Keras layer, with its names in the graph language."""

    keras: Any
    type: str
    inputs: Sequence[str] | None = None
    """The names of the inputs in order; None unless it is a nested graph or model."""
    outputs: Sequence[str] | None = None
    """The names of the outputs in order; None unless it is a nested graph or model."""
    activation_bytes: int | None = None
    """Bytes of one row of all its nodes' outputs; None unless it is a nested graph or model."""


Path = tuple[str, ...]
"""The tokens of a variable's key: a layer's name, then the names of the layers inside it."""


@dataclass(frozen=True)
class Scope:
    """A graph that is being built."""

    definition: GraphDefinition
    sources: Mapping[ModelId, Blueprint]
    place: Place = ()
    """The place of the definition in the document."""
    path: Path = ()
    """The first tokens of the keys of its variables."""
    outer: "Scope | None" = None
    is_copy: bool = False
    """Whether it belongs to a trained model, whose weights are copied as a whole."""
    shared: dict[str, BuiltLayer] = field(default_factory=dict)
    """The entries of `layers` that have been built."""
    refused: dict[str, Invalid] = field(default_factory=dict)
    """The entries of `layers` that cannot be built."""

    def open_nested(self, definition: GraphDefinition, path: Path, place: Place) -> "Scope":
        """Return the scope of a graph inside this one, which may use this graph's shared layers."""
        return Scope(definition, self.sources, place, path, outer=self, is_copy=self.is_copy)

    def find_definer(self, name: str) -> "Scope":
        """Find the graph that defines an entry of `layers`: this one or an enclosing one."""
        if name in self.definition.layers or self.outer is None:
            return self
        return self.outer.find_definer(name)

    @cached_property
    def _borrowed(self) -> set[str]:
        """Keras's names of the enclosing graphs' layers that this graph's nodes call."""
        names = {
            node.layer
            for node in self.definition.nodes
            if isinstance(node, LayerNode) and isinstance(node.layer, str)
        }
        definers = {name: self.find_definer(name) for name in names}
        return {d.shared_names[n] for n, d in definers.items() if d is not self}

    @cached_property
    def _visible(self) -> set[tuple[str, str]]:
        """The shared layers that nested graphs may name, each with Keras's name for it."""
        return {*self.shared_names.items(), *(self.outer._visible if self.outer else ())}

    @cached_property
    def input_names(self) -> dict[str, str]:
        """Keras's name of each input: its own name, unless a borrowed layer has the same name."""
        names = [item.name for item in self.definition.inputs]
        reserved = {n.name for n in self.definition.nodes} | {*self.shared_names.values()}
        return _make_unique(names, self._borrowed, reserved)

    @cached_property
    def shared_names(self) -> dict[str, str]:
        """The name of each entry of `layers` in Keras and in the variables' keys."""
        around = self.outer._visible if self.outer and self.definition.layers else set()
        taken = {item.name for item in self.definition.inputs}
        taken |= {called for name, called in around if called != name}
        reserved = {n.name for n in self.definition.nodes} | {called for _, called in around}
        return _make_unique(self.definition.layers, taken, reserved)

    @cached_property
    def node_names(self) -> dict[str, str]:
        """The name of each node's own layer in Keras and in the variables' keys."""
        taken = self._borrowed | {*self.shared_names.values()}
        reserved = self.input_names.values()
        return _make_unique([n.name for n in self.definition.nodes], taken, reserved)


def _make_unique(names: Any, taken: Any, reserved: Any) -> dict[str, str]:
    """Make names unique by appending to a taken name the first number that makes it free.

    Args:
        names: The names to make unique.
        taken: Names that none of them may have.
        reserved: Names that no name with an appended number may equal.

    Returns:
        The unique name of each name.
    """
    used = {*taken, *reserved, *names}
    result: dict[str, str] = {}
    for name in names:
        result[name] = name
        if name in taken:
            result[name] = next(f for i in count(1) if (f := f"{name}_{i}") not in used)
            used.add(result[name])
    return result
