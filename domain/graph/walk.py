"""Walks a graph with all that it holds: wrappers' layers, and graphs nested in it."""

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
    layer_values,
    parse_layer,
)

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Unreadable:
    """A layer argument that holds neither a layer object nor a name."""

    reason: str


Holding = LayerObject | str | Unreadable


Held = tuple[tuple[Place, Holding], ...]
"""A layer, and all that its wrappers' arguments hold, with their places."""


@dataclass(frozen=True, eq=False)
class Level:
    """One graph of the nesting, where it lies, and the shared layers of those around it.

    What it holds is read once, when it is first asked for, however often it is walked.
    """

    graph: GraphDefinition
    place: Place = ()
    outer: "ChainMap[str, Level]" = field(default_factory=ChainMap)
    """The shared names of the enclosing graphs, and the level that defines each."""
    depth: int = 1

    @cached_property
    def scope(self) -> "ChainMap[str, Level]":
        """Every shared name that this graph's nodes and wrappers may use."""
        own = dict.fromkeys(self.graph.layers, self)
        return self.outer.new_child(own) if own else self.outer

    @cached_property
    def entries(self) -> Mapping[str, Held]:
        """What each shared layer is and holds."""
        return {
            name: tuple(_with_inner(layer, (*self.place, "layers", name)))
            for name, layer in self.graph.layers.items()
        }

    @cached_property
    def calls(self) -> tuple[Held, ...]:
        """What the layer of each node is and holds; nothing where a node calls a function."""
        return tuple(
            tuple(_with_inner(node.layer, (*self.place, "nodes", i, "layer")))
            if isinstance(node, LayerNode)
            else ()
            for i, node in enumerate(self.graph.nodes)
        )

    @cached_property
    def inner(self) -> Mapping[Place, "Level"]:
        """The graphs written inside this one, by the places of the layers they are."""
        return {
            where: Level(held.graph, (*where, "graph"), self.scope, self.depth + 1)
            for where, held in holdings(self)
            if isinstance(held, GraphLayer) and isinstance(held.graph, GraphDefinition)
        }

    @cached_property
    def named(self) -> frozenset[str]:
        """The shared names that this graph and those inside it use."""
        return self._named_in((*self.entries.values(), *self.calls))

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The shared layers, each after those it holds; what waits for itself is left out."""
        sorter = TopologicalSorter(self.needs)
        with suppress(CycleError):  # it still gives what no cycle holds back
            sorter.prepare()
        made: list[str] = []
        while ready := sorter.get_ready():
            made += ready
            sorter.done(*ready)
        return tuple(made)

    @cached_property
    def needs(self) -> Mapping[str, frozenset[str]]:
        """The shared layers of this graph that each of them holds, in its graphs too."""
        own = self.graph.layers.keys()
        return {name: self._named_in((held,)) & own for name, held in self.entries.items()}

    def _named_in(self, helds: Iterable[Held]) -> frozenset[str]:
        names: set[str] = set()
        for place, held in chain.from_iterable(helds):
            if isinstance(held, str):
                names.add(held)
            elif place in self.inner:
                names |= self.inner[place].named
        return frozenset(names)


def levels(graph: GraphDefinition, place: Place = ()) -> Iterator[Level]:
    """The graph itself, then every inline graph inside it, lazily, outermost first."""
    yield from _walk(Level(graph, place))


def _walk(level: Level) -> Iterator[Level]:
    yield level
    for inner in level.inner.values():
        yield from _walk(inner)


def holdings(level: Level) -> Iterator[tuple[Place, Holding]]:
    """Every layer object and shared name of one level, those in wrappers included."""
    return chain.from_iterable((*level.entries.values(), *level.calls))


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
