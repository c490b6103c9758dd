"""Walks a graph with all that it holds: wrappers' layers, and graphs nested in it."""

from collections.abc import Iterator, Set
from dataclasses import dataclass

from pydantic import ValidationError

from domain.graph import (
    GraphDefinition,
    GraphLayer,
    KerasLayer,
    LayerNode,
    LayerObject,
    layer_values,
    parse_layer,
)

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Level:
    """One graph of the nesting, where it lies, and the shared names of those around it."""

    graph: GraphDefinition
    place: Place
    outer: Set[str]
    depth: int

    @property
    def scope(self) -> Set[str]:
        """Every shared name that this graph's nodes and wrappers may use."""
        return self.outer | self.graph.layers.keys()


@dataclass(frozen=True)
class Unreadable:
    """A layer argument that holds neither a layer object nor a name."""

    reason: str


Holding = LayerObject | str | Unreadable


def levels(
    graph: GraphDefinition, place: Place = (), outer: Set[str] = frozenset(), depth: int = 1
) -> Iterator[Level]:
    """The graph itself, then every inline graph inside it, lazily, outermost first."""
    level = Level(graph, place, outer, depth)
    yield level
    for where, held in holdings(level):
        if isinstance(held, GraphLayer) and isinstance(held.graph, GraphDefinition):
            yield from levels(held.graph, (*where, "graph"), level.scope, depth + 1)


def holdings(level: Level) -> Iterator[tuple[Place, Holding]]:
    """Every layer object and shared name of one level, those in wrappers included."""
    for name, layer in level.graph.layers.items():
        yield from _with_inner(layer, (*level.place, "layers", name))
    for i, node in enumerate(level.graph.nodes):
        if isinstance(node, LayerNode):
            yield from _with_inner(node.layer, (*level.place, "nodes", i, "layer"))


def _with_inner(held: Holding, place: Place) -> Iterator[tuple[Place, Holding]]:
    yield place, held
    if isinstance(held, KerasLayer):
        for where, value in layer_values(held):
            yield from _with_inner(_parsed(value), (*place, *where))


def _parsed(value: object) -> Holding:
    try:
        return parse_layer(value)  # type: ignore[arg-type]
    except ValidationError as error:
        return Unreadable(error.errors()[0]["msg"])
