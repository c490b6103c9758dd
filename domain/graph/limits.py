"""Checks the size limits of a graph, before any other work on it."""

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
from domain.graph.walk import Level, Place, UnreadableLayer, walk_layers, walk_levels
from domain.json.pointer import pointer

Overrun = tuple[Place, str]
"""The place where a limit is exceeded, and the detail of the fault."""


@dataclass(frozen=True)
class Limits:
    """Maximum sizes of one graph, including all graphs nested in it; see the settings MAX_*."""

    nodes: int = 5_000
    layers: int = 10_000
    depth: int = 32
    references: int = 250_000
    calls: int = 20_000
    values: int = 300_000
    name_length: int = LONGEST_NAME


STANDARD = Limits()


def find_limit_faults(
    definition: GraphDefinition, limits: Limits = STANDARD, place: Place = ()
) -> list[Fault]:
    """Return a fault for the first limit that a graph exceeds, or an empty list.

    The time is linear in the length of the document; nested graphs are not expanded.

    Args:
        definition: The graph.
        limits: Maximum sizes of the graph, including all graphs nested in it.
        place: The place of the graph in the request body, e.g. `("definition",)`.
    """
    counter = _SizeCounter(limits)
    for level in walk_levels(definition, place):
        for exceeded, detail in counter.add(level):
            return [Fault(pointer=pointer(*exceeded), detail=detail)]
    return []


@dataclass
class _SizeCounter:
    """Adds up the sizes of the levels of a graph."""

    limits: Limits
    nodes: int = 0
    layers: int = 0
    references: int = 0
    values: int = 0

    def add(self, level: Level) -> Iterator[Overrun]:
        """Add one level, and yield the limits that it exceeds; the cheapest count comes first."""
        yield from self._check_depth(level)
        yield from self._check_tensors(level)
        yield from self._check_names(level)
        yield from self._check_references(level)
        yield from self._check_layers(level)
        yield from self._check_values(level)

    def _check_depth(self, level: Level) -> Iterator[Overrun]:
        if level.depth > self.limits.depth:
            most = self.limits.depth
            yield level.place, f"Graphs nest at most {most} deep (MAX_GRAPH_DEPTH)."

    def _check_tensors(self, level: Level) -> Iterator[Overrun]:
        self.nodes += len(level.graph.nodes)
        most, graph = self.limits.nodes, level.graph
        if self.nodes > most:
            detail = (
                f"A graph has at most {most:,} nodes, including those of nested graphs "
                f"(MAX_NODES); this one has at least {self.nodes:,}."
            )
            yield (*level.place, "nodes"), detail
        for name, listed in (("inputs", graph.inputs), ("outputs", graph.outputs)):
            if len(listed) > most:
                count = len(listed)
                detail = f"A graph has at most {most:,} {name} (MAX_NODES); this one has {count:,}."
                yield (*level.place, name), detail

    def _check_names(self, level: Level) -> Iterator[Overrun]:
        most = self.limits.name_length
        for place, name in _walk_names(level.graph):
            if len(name) > most:
                detail = TOO_LONG.format(most=most, length=len(name))
                yield (*level.place, *place), f"{detail}."

    def _check_references(self, level: Level) -> Iterator[Overrun]:
        most = self.limits.references
        for i, node in enumerate(level.graph.nodes):
            self.references += sum(1 for _ in node.references())
            if self.references > most:
                detail = (
                    f"The nodes of a graph have at most {most:,} references in total "
                    f"(MAX_REFERENCES); the nodes up to this one have {self.references:,}."
                )
                yield (*level.place, "nodes", i, "inputs"), detail

    def _check_layers(self, level: Level) -> Iterator[Overrun]:
        most = self.limits.layers
        for place, layer in walk_layers(level):
            self.layers += not isinstance(layer, str | UnreadableLayer)
            if self.layers > most:
                detail = (
                    f"A graph has at most {most:,} layers, including those in wrappers and nested "
                    f"graphs (MAX_LAYERS); this one is number {self.layers:,}."
                )
                yield place, detail

    def _check_values(self, level: Level) -> Iterator[Overrun]:
        most = self.limits.values
        for place, constants in _walk_constants(level):
            self.values += _count_values(constants)
            if self.values > most:
                detail = (
                    f"The layers and calls of a graph have at most {most:,} values in total "
                    f"(MAX_VALUES); those up to this one have {self.values:,}."
                )
                yield place, detail


def _walk_constants(level: Level) -> Iterator[tuple[Place, JsonValue]]:
    """Yield the config of every layer and function, and the constant arguments of every call."""
    for place, layer in walk_layers(level):
        if isinstance(layer, KerasLayer):
            own = {n: value for n, value in layer.config.items() if n not in LAYER_ARGUMENTS}
            yield (*place, "config"), own
    for i, node in enumerate(level.graph.nodes):
        field = "call" if isinstance(node, LayerNode) else "config"
        yield (*level.place, "nodes", i, field), getattr(node, field)


def _count_values(value: JsonValue) -> int:
    """Return the number of strings, numbers, booleans and nulls in a value."""
    if isinstance(value, list):
        return sum(map(_count_values, value))
    return sum(map(_count_values, value.values())) if isinstance(value, dict) else 1


def _walk_names(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    yield from ((("inputs", i, "name"), item.name) for i, item in enumerate(graph.inputs))
    yield from ((("layers", name), name) for name in graph.layers)
    yield from ((("nodes", i, "name"), node.name) for i, node in enumerate(graph.nodes))
    for i, item in enumerate(graph.outputs):
        if not isinstance(item, str):
            yield ("outputs", i, "name"), item.name
