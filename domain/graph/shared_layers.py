"""The rules of shared layers: what is named exists, is used, and is not shadowed."""

from collections.abc import Iterator

from domain.errors import Fault, clip, did_you_mean
from domain.graph.language import LAYER_ARGUMENTS
from domain.graph.walk import Level, Unreadable, holdings
from domain.pointer import pointer

_USED_ONCE = ' A layer used once is an object: {"type": "...", "config": {...}}.'


def layer_faults(level: Level, deepest: int) -> Iterator[Fault]:
    """Every fault in how one graph names, holds and shares its layers.

    Args:
        level: The graph.
        deepest: How many shared layers may hold one another in a row.
    """
    yield from _shadowed(level)
    yield from _unknown(level)
    yield from _wound(level)
    yield from _too_deep(level, deepest)
    yield from _unnamed(level)


def _shadowed(level: Level) -> Iterator[Fault]:
    for name in level.graph.layers:
        if name in level.outer:
            detail = f"An enclosing graph has a shared layer '{name}' already; choose another name."
            yield _fault(level, name, detail)


def _unknown(level: Level) -> Iterator[Fault]:
    for place, held in holdings(level):
        if isinstance(held, Unreadable):
            arguments = ", ".join(sorted(LAYER_ARGUMENTS))
            detail = f"A layer object or a shared layer's name belongs here ({arguments} hold"
            yield Fault(pointer=pointer(*place), detail=f"{detail} layers): {held.reason}.")
        elif isinstance(held, str) and held not in level.scope:
            near = did_you_mean(held, level.scope)
            detail = f"There is no shared layer named '{clip(held)}' in `layers`.{near}{_USED_ONCE}"
            yield Fault(pointer=pointer(*place), detail=detail)


def _wound(level: Level) -> Iterator[Fault]:
    """Shared layers that hold each other: none of them could be made first."""
    for name in level.graph.layers.keys() - set(level.order):
        detail = f"The shared layer '{name}' holds itself, by way of the layers it wraps."
        yield _fault(level, name, detail)


def _too_deep(level: Level, deepest: int) -> Iterator[Fault]:
    depths: dict[str, int] = {}
    for name in level.order:
        depths[name] = 1 + max((depths[held] for held in level.needs[name]), default=0)
        if depths[name] > deepest:
            detail = f"Layers hold layers at most {deepest} deep (MAX_GRAPH_DEPTH)."
            yield _fault(level, name, detail)
            return


def _unnamed(level: Level) -> Iterator[Fault]:
    for name in level.graph.layers:
        if name not in level.named:
            yield _fault(level, name, f"Nothing names the shared layer '{name}'; remove it.")


def _fault(level: Level, name: str, detail: str) -> Fault:
    return Fault(pointer=pointer(*level.place, "layers", name), detail=detail)
