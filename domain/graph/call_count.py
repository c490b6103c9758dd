"""Counts the calls of a graph; each call of a nested graph counts the calls inside it again."""

from collections.abc import Mapping

from domain.errors import Fault
from domain.graph.language import Blueprint, GraphLayer, ModelLayer
from domain.graph.limits import Limits
from domain.graph.walk import Level, Place, PlacedLayers
from domain.ids import ModelId
from domain.json.pointer import pointer


def find_call_faults(blueprint: Blueprint, limits: Limits, place: Place = ()) -> list[Fault]:
    """Return a fault at the first node that brings a graph over MAX_CALLS, or an empty list.

    The time is linear in the length of the document: a nested graph is counted once, however
    often it is called.

    Args:
        blueprint: A graph without other structural faults.
        limits: The limits; only `calls` is used.
        place: The place of the graph in the request body, e.g. `("definition",)`.
    """
    root = Level(blueprint.definition, place)
    counter = _CallCounter(blueprint.sources)
    total = 0
    for i, calls in enumerate(counter.count_by_node(root)):
        total += calls
        if total > limits.calls:
            detail = (
                f"A graph makes at most {limits.calls:,} calls (MAX_CALLS); the calls inside a "
                f"nested graph count at each call of it. This node alone makes {calls:,}, and the "
                f"nodes up to it make {total:,}."
            )
            return [Fault(pointer=pointer(*place, "nodes", i), detail=detail)]
    return []


class _CallCounter:
    """Counts calls, and keeps the counts of shared layers and of models."""

    def __init__(self, sources: Mapping[ModelId, Blueprint]) -> None:
        self._sources = sources
        self._entries: dict[tuple[Level, str], int] = {}
        self._models: dict[ModelId, int] = {}

    def count_by_node(self, level: Level) -> list[int]:
        """Return the number of calls that each node of a graph makes, including its own call."""
        for name in (
            level.build_order
        ):  # contained layers come first, so that long chains need no recursion
            self._entries[level, name] = self._count_inside(level, level.entries[name])
        return [1 + self._count_inside(level, layers) for layers in level.calls]

    def _count_inside(self, level: Level, layers: PlacedLayers) -> int:
        """Return the number of calls inside one call of a layer."""
        total = 0
        for place, layer in layers:
            if isinstance(layer, str):
                total += self._entries[level.scope[layer], layer]
            elif isinstance(layer, GraphLayer):
                total += sum(self.count_by_node(level.inner[place]))
            elif isinstance(layer, ModelLayer):
                total += self._count_in_model(layer.model)
        return total

    def _count_in_model(self, model: ModelId) -> int:
        if model not in self._models:
            source = self._sources[model]
            inside = _CallCounter(source.sources).count_by_node(Level(source.definition))
            self._models[model] = sum(inside)
        return self._models[model]
