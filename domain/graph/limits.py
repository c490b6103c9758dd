"""How much one graph may hold: counted before any work is done on it."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from domain.errors import Fault
from domain.graph.language import (
    LAYER_ARGUMENTS,
    LONGEST_NAME,
    TOO_LONG,
    GraphDefinition,
    KerasLayer,
    LayerNode,
)
from domain.graph.walk import Level, Place, Unreadable, holdings, levels
from domain.pointer import pointer

Overrun = tuple[Place, str]
"""Where a limit is passed, and what is said of it."""


@dataclass(frozen=True)
class Limits:
    """The settings of the same names."""

    nodes: int = 5_000
    layers: int = 10_000
    depth: int = 32
    references: int = 250_000
    calls: int = 20_000
    values: int = 300_000
    name_length: int = LONGEST_NAME


STANDARD = Limits()


def limit_faults(
    definition: GraphDefinition, limits: Limits = STANDARD, place: Place = ()
) -> list[Fault]:
    """The first limit that a graph goes beyond, if any: cheap, whatever it expands to.

    Args:
        definition: The graph.
        limits: Of all graphs nested in it together.
        place: Where the graph lies in the request body, e.g. `("definition",)`.
    """
    count = _Count(limits)
    for level in levels(definition, place):
        for where, detail in count.beyond(level):
            return [Fault(pointer=pointer(*where), detail=detail)]
    return []


@dataclass
class _Count:
    """What the levels walked so far come to."""

    limits: Limits
    nodes: int = 0
    layers: int = 0
    references: int = 0
    values: int = 0

    def beyond(self, level: Level) -> Iterator[Overrun]:
        """Adds one level, the cheapest count first."""
        yield from self._deep(level)
        yield from self._tensors(level)
        yield from self._names(level)
        yield from self._references(level)
        yield from self._layers(level)
        yield from self._values(level)

    def _deep(self, level: Level) -> Iterator[Overrun]:
        if level.depth > self.limits.depth:
            most = self.limits.depth
            yield level.place, f"Graphs nest at most {most} deep (MAX_GRAPH_DEPTH)."

    def _tensors(self, level: Level) -> Iterator[Overrun]:
        self.nodes += len(level.graph.nodes)
        most, graph = self.limits.nodes, level.graph
        if self.nodes > most:
            detail = (
                f"A graph holds at most {most:,} nodes, nested ones included (MAX_NODES); "
                f"this one has at least {self.nodes:,}."
            )
            yield (*level.place, "nodes"), detail
        for name, listed in (("inputs", graph.inputs), ("outputs", graph.outputs)):
            if len(listed) > most:
                detail = f"There are {len(listed):,} {name}; at most {most:,} (MAX_NODES)."
                yield (*level.place, name), detail

    def _names(self, level: Level) -> Iterator[Overrun]:
        most = self.limits.name_length
        for where, name in _names(level.graph):
            if len(name) > most:
                detail = TOO_LONG.format(most=most, length=len(name))
                yield (*level.place, *where), f"{detail}."

    def _references(self, level: Level) -> Iterator[Overrun]:
        most = self.limits.references
        for i, node in enumerate(level.graph.nodes):
            self.references += sum(1 for _ in node.references())
            if self.references > most:
                detail = (
                    f"The nodes of a graph take at most {most:,} references together "
                    f"(MAX_REFERENCES); up to this one there are {self.references:,}."
                )
                yield (*level.place, "nodes", i, "inputs"), detail

    def _layers(self, level: Level) -> Iterator[Overrun]:
        most = self.limits.layers
        for where, held in holdings(level):
            self.layers += not isinstance(held, str | Unreadable)
            if self.layers > most:
                detail = (
                    f"A graph holds at most {most:,} layers, those in wrappers and nested graphs "
                    f"included (MAX_LAYERS); this one is number {self.layers:,}."
                )
                yield where, detail

    def _values(self, level: Level) -> Iterator[Overrun]:
        most = self.limits.values
        for where, constants in _constants(level):
            self.values += _size(constants)
            if self.values > most:
                detail = (
                    f"The layers and calls of a graph hold at most {most:,} values together "
                    f"(MAX_VALUES); up to this one there are {self.values:,}."
                )
                yield where, detail


def _constants(level: Level) -> Iterator[tuple[Place, JsonValue]]:
    """The configs of every layer and function, and what they are called with."""
    for where, held in holdings(level):
        if isinstance(held, KerasLayer):
            own = {n: value for n, value in held.config.items() if n not in LAYER_ARGUMENTS}
            yield (*where, "config"), own
    for i, node in enumerate(level.graph.nodes):
        room = "call" if isinstance(node, LayerNode) else "config"
        yield (*level.place, "nodes", i, room), getattr(node, room)


def _size(value: JsonValue) -> int:
    """How many texts, numbers, truths and nulls a value holds."""
    if isinstance(value, list):
        return sum(map(_size, value))
    return sum(map(_size, value.values())) if isinstance(value, dict) else 1


def _names(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    yield from ((("inputs", i, "name"), item.name) for i, item in enumerate(graph.inputs))
    yield from ((("layers", name), name) for name in graph.layers)
    yield from ((("nodes", i, "name"), node.name) for i, node in enumerate(graph.nodes))
    for i, item in enumerate(graph.outputs):
        if not isinstance(item, str):
            yield ("outputs", i, "name"), item.name
