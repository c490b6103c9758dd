"""The rules of shared layers: what is named exists, is used, and is not shadowed."""

from collections.abc import Iterator

from domain.errors import Fault, did_you_mean
from domain.graph import LAYER_ARGUMENTS, GraphDefinition
from domain.nesting import Level, Unreadable, holdings, levels
from domain.pointer import pointer


def layer_faults(level: Level) -> Iterator[Fault]:
    """Every fault in how one graph names, holds and shares its layers."""
    yield from _shadowed(level)
    yield from _unknown(level)
    yield from _wound(level)
    yield from _unnamed(level)


def _shadowed(level: Level) -> Iterator[Fault]:
    for name in level.graph.layers:
        if name in level.outer:
            yield Fault(
                pointer=pointer(*level.place, "layers", name),
                detail=f"An enclosing graph has a shared layer '{name}' already; "
                "choose another name.",
            )


def _unknown(level: Level) -> Iterator[Fault]:
    for place, held in holdings(level):
        if isinstance(held, Unreadable):
            arguments = ", ".join(sorted(LAYER_ARGUMENTS))
            detail = f"A layer object or a shared layer's name belongs here ({arguments} hold"
            yield Fault(pointer=pointer(*place), detail=f"{detail} layers): {held.reason}.")
        elif isinstance(held, str) and held not in level.scope:
            near = did_you_mean(held, level.scope)
            detail = f"There is no shared layer named '{held}' in `layers`.{near}"
            yield Fault(pointer=pointer(*place), detail=detail)


def _wound(level: Level) -> Iterator[Fault]:
    """Shared layers that hold each other: none of them could be made first."""
    holds = {name: _shared_names(level.graph, name) for name in level.graph.layers}
    waiting = dict(holds)
    while ready := [name for name, needs in waiting.items() if not (needs & waiting.keys())]:
        for name in ready:
            del waiting[name]
    for name in waiting:
        yield Fault(
            pointer=pointer(*level.place, "layers", name),
            detail=f"The shared layer '{name}' holds itself, by way of the layers it wraps.",
        )


def _shared_names(graph: GraphDefinition, name: str) -> set[str]:
    """The shared names that one entry holds, in its wrappers and its nested graphs."""
    alone = graph.model_copy(update={"layers": {name: graph.layers[name]}, "nodes": []})
    return {held for level in levels(alone) for _, held in holdings(level) if isinstance(held, str)}


def _unnamed(level: Level) -> Iterator[Fault]:
    named = {
        held
        for inner in levels(level.graph)
        for _, held in holdings(inner)
        if isinstance(held, str)
    }
    for name in level.graph.layers:
        if name not in named:
            yield Fault(
                pointer=pointer(*level.place, "layers", name),
                detail=f"Nothing names the shared layer '{name}'; remove it.",
            )
