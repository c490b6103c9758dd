"""How many calls a graph comes to when those inside a nested graph are made at each of its own."""

from collections.abc import Mapping

from domain.errors import Fault
from domain.graph.language import Blueprint, GraphLayer, ModelLayer
from domain.graph.limits import Limits
from domain.graph.walk import Held, Level, Place
from domain.ids import ModelId
from domain.pointer import pointer


def call_faults(blueprint: Blueprint, limits: Limits, place: Place = ()) -> list[Fault]:
    """The first node that brings a sound graph over MAX_CALLS, if any.

    Linear in what is written: a nested graph is counted once, however often it is called.
    """
    root = Level(blueprint.definition, place)
    tally = _Tally(blueprint.sources)
    total = 0
    for i, calls in enumerate(tally.by_node(root)):
        total += calls
        if total > limits.calls:
            detail = (
                f"A graph comes to at most {limits.calls:,} calls, those inside a nested graph "
                f"counted at each call of it (MAX_CALLS); this node alone comes to {calls:,}, "
                f"and those up to it to {total:,}."
            )
            return [Fault(pointer=pointer(*place, "nodes", i), detail=detail)]
    return []


class _Tally:
    def __init__(self, sources: Mapping[ModelId, Blueprint]) -> None:
        self._sources = sources
        self._entries: dict[tuple[Level, str], int] = {}
        self._models: dict[ModelId, int] = {}

    def by_node(self, level: Level) -> list[int]:
        """What each node of a graph comes to, itself included."""
        for name in level.order:  # before what holds it, so that no chain of them is recursive
            self._entries[level, name] = self._inside(level, level.entries[name])
        return [1 + self._inside(level, held) for held in level.calls]

    def _inside(self, level: Level, held: Held) -> int:
        """The calls inside one call of a layer."""
        total = 0
        for place, item in held:
            if isinstance(item, str):
                total += self._entries[level.scope[item], item]
            elif isinstance(item, GraphLayer):
                total += sum(self.by_node(level.inner[place]))
            elif isinstance(item, ModelLayer):
                total += self._model(item.model)
        return total

    def _model(self, model: ModelId) -> int:
        if model not in self._models:
            source = self._sources[model]
            inside = _Tally(source.sources).by_node(Level(source.definition))
            self._models[model] = sum(inside)
        return self._models[model]
