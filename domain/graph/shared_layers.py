"""Checks the rules of shared layers: each name exists, is used, and is defined once."""

from collections.abc import Iterator

from domain.errors import Fault, clip, did_you_mean
from domain.graph.language import LAYER_ARGUMENTS
from domain.graph.walk import Level, UnreadableLayer, walk_layers
from domain.json.pointer import pointer

_USED_ONCE = ' A layer used once is an object: {"type": "...", "config": {...}}.'


def find_layer_faults(level: Level, deepest: int) -> Iterator[Fault]:
    """Yield every fault in how one graph names, nests and shares its layers.

    Args:
        level: The graph.
        deepest: Maximum number of shared layers of which each contains the next.
    """
    yield from _find_shadowed(level)
    yield from _find_unknown(level)
    yield from _find_cyclic(level)
    yield from _find_too_deep(level, deepest)
    yield from _find_unused(level)


def _find_shadowed(level: Level) -> Iterator[Fault]:
    for name in level.graph.layers:
        if name in level.outer:
            detail = f"An enclosing graph already has a shared layer '{name}'; choose another name."
            yield _make_fault(level, name, detail)


def _find_unknown(level: Level) -> Iterator[Fault]:
    for place, layer in walk_layers(level):
        if isinstance(layer, UnreadableLayer):
            arguments = ", ".join(sorted(LAYER_ARGUMENTS))
            detail = f"The arguments {arguments} take a layer object or the name of a shared layer"
            yield Fault(pointer=pointer(*place), detail=f"{detail}: {layer.reason}.")
        elif isinstance(layer, str) and layer not in level.scope:
            near = did_you_mean(layer, level.scope)
            detail = (
                f"There is no shared layer named '{clip(layer)}' in `layers`.{near}{_USED_ONCE}"
            )
            yield Fault(pointer=pointer(*place), detail=detail)


def _find_cyclic(level: Level) -> Iterator[Fault]:
    """Yield the faults of shared layers that contain each other: none can be built first."""
    for name in level.graph.layers.keys() - set(level.build_order):
        detail = f"The shared layer '{name}' contains itself through the layers that it wraps."
        yield _make_fault(level, name, detail)


def _find_too_deep(level: Level, deepest: int) -> Iterator[Fault]:
    depths: dict[str, int] = {}
    for name in level.build_order:
        depths[name] = 1 + max((depths[inner] for inner in level.contained[name]), default=0)
        if depths[name] > deepest:
            detail = f"Layers contain layers at most {deepest} deep (MAX_GRAPH_DEPTH)."
            yield _make_fault(level, name, detail)
            return


def _find_unused(level: Level) -> Iterator[Fault]:
    for name in level.graph.layers:
        if name not in level.used_names:
            detail = f"No node or wrapper uses the shared layer '{name}'; use it or remove it."
            yield _make_fault(level, name, detail)


def _make_fault(level: Level, name: str, detail: str) -> Fault:
    return Fault(pointer=pointer(*level.place, "layers", name), detail=detail)
