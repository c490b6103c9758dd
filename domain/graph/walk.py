"""Walks a graph, the layers in its wrappers, and the graphs nested in it."""

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import chain

from pydantic import ValidationError

from domain.graph.language import (
    GraphDefinition,
    GraphLayer,
    KerasLayer,
    LayerNode,
    LayerObject,
    parse_layer,
    walk_layer_values,
)

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class UnreadableLayer:
    """The value of a layer argument that is neither a layer object nor a name."""

    reason: str


ParsedLayer = LayerObject | str | UnreadableLayer
"""A layer object, the name of a shared layer, or a value that is neither."""
PlacedLayers = tuple[tuple[Place, ParsedLayer], ...]
"""A layer and every layer in its wrappers' arguments, each with its place."""


@dataclass(frozen=True, eq=False)
class Level:
    """A graph, its place in the nesting, and the shared layers of the graphs that enclose it.

    Each property is computed once, at its first use.
    """

    graph: GraphDefinition
    place: Place = ()
    outer: "ChainMap[str, Level]" = field(default_factory=ChainMap)
    """The shared names of the enclosing graphs, and the level that defines each."""
    depth: int = 1
    """1 for the outermost graph."""

    @cached_property
    def scope(self) -> "ChainMap[str, Level]":
        """Every shared name that this graph's nodes and wrappers may use."""
        own = dict.fromkeys(self.graph.layers, self)
        return self.outer.new_child(own) if own else self.outer

    @cached_property
    def entries(self) -> Mapping[str, PlacedLayers]:
        """Each shared layer by name, with the layers in its wrappers."""
        return {
            name: tuple(_walk_inner(layer, (*self.place, "layers", name)))
            for name, layer in self.graph.layers.items()
        }

    @cached_property
    def calls(self) -> tuple[PlacedLayers, ...]:
        """The layer of each node, with the layers in its wrappers; empty for a function call."""
        return tuple(
            tuple(_walk_inner(node.layer, (*self.place, "nodes", i, "layer")))
            if isinstance(node, LayerNode)
            else ()
            for i, node in enumerate(self.graph.nodes)
        )

    @cached_property
    def inner(self) -> Mapping[Place, "Level"]:
        """The graphs defined inside this one, by the places of their layers."""
        return {
            place: Level(layer.graph, (*place, "graph"), self.scope, self.depth + 1)
            for place, layer in walk_layers(self)
            if isinstance(layer, GraphLayer) and isinstance(layer.graph, GraphDefinition)
        }

    @cached_property
    def used_names(self) -> frozenset[str]:
        """The shared names that this graph and the graphs inside it use."""
        return self._find_names((*self.entries.values(), *self.calls))

    @cached_property
    def build_order(self) -> tuple[str, ...]:
        """The shared layers that are in no cycle, each after the layers that it contains."""
        sorter = TopologicalSorter(self.contained)
        with suppress(CycleError):  # the sorter still yields every layer that is in no cycle
            sorter.prepare()
        order: list[str] = []
        while ready := sorter.get_ready():
            order += ready
            sorter.done(*ready)
        return tuple(order)

    @cached_property
    def contained(self) -> Mapping[str, frozenset[str]]:
        """The shared layers of this graph that each shared layer contains, at any depth."""
        own = self.graph.layers.keys()
        return {name: self._find_names((layers,)) & own for name, layers in self.entries.items()}

    def _find_names(self, layers: Iterable[PlacedLayers]) -> frozenset[str]:
        names: set[str] = set()
        for place, layer in chain.from_iterable(layers):
            if isinstance(layer, str):
                names.add(layer)
            elif place in self.inner:
                names |= self.inner[place].used_names
        return frozenset(names)


def walk_levels(graph: GraphDefinition, place: Place = ()) -> Iterator[Level]:
    """Yield the graph, then every inline graph inside it, outermost first."""
    yield from _walk(Level(graph, place))


def _walk(level: Level) -> Iterator[Level]:
    yield level
    for inner in level.inner.values():
        yield from _walk(inner)


def walk_layers(level: Level) -> Iterator[tuple[Place, ParsedLayer]]:
    """Yield every layer object and shared name of one level, including those in wrappers."""
    return chain.from_iterable((*level.entries.values(), *level.calls))


def _walk_inner(layer: ParsedLayer, place: Place) -> Iterator[tuple[Place, ParsedLayer]]:
    yield place, layer
    if isinstance(layer, KerasLayer):
        for inner_place, value in walk_layer_values(layer):
            yield from _walk_inner(_parse(value), (*place, *inner_place))


def _parse(value: object) -> ParsedLayer:
    try:
        return parse_layer(value)  # type: ignore[arg-type]
    except ValidationError as error:
        return UnreadableLayer(error.errors()[0]["msg"])
