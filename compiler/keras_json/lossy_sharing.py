"""What of a graph's sharing Keras's own formats lose: they write a layer into each of its holders.

A model, a wrapper, and the small model around a call with a constant `training`
(`compiler.model.fixed_training`) each write down the layers inside them. A layer that two of them
hold is written twice, and comes back as two layers with weights of their own.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from domain.errors import Fault
from domain.graph.language import GraphDefinition, LayerNode
from domain.graph.walk import Level, Place, levels
from domain.pointer import pointer


class _Use(NamedTuple):
    """A place that names a shared layer."""

    place: Place
    """The node, or the entry of `layers`, in which it is named."""
    holder: Place
    """What Keras writes the layer into."""


def sharing_faults(definition: GraphDefinition, place: Place = ()) -> Iterator[Fault]:
    """A fault at every node that calls or wraps a layer which several holders share.

    Args:
        definition: A structurally sound graph.
        place: Where it lies.
    """
    uses: dict[tuple[Level, str], list[_Use]] = defaultdict(list)
    for level in levels(definition, place):
        for name, use in _uses(level):
            uses[level.scope[name], name].append(use)
    for (_, name), found in uses.items():
        if len({use.holder for use in found}) > 1:
            detail = (
                f"The layer '{name}' is shared across the border of a nested graph, a wrapper or "
                "a call with a constant `training`; Keras's own format would make copies of it, "
                "each with weights of its own."
            )
            for where in dict.fromkeys(use.place for use in found):
                yield Fault(pointer=pointer(*where), detail=detail)


def _uses(level: Level) -> Iterator[tuple[str, _Use]]:
    for i, (node, held) in enumerate(zip(level.graph.nodes, level.calls, strict=True)):
        called = (*level.place, "nodes", i)
        for where, item in held:
            if isinstance(node, LayerNode) and isinstance(item, str):
                simply = where == (*called, "layer")
                stands_in = called if "training" in node.call else level.place
                yield item, _Use(called, stands_in if simply else where)
    for entry, held in level.entries.items():
        for where, item in held:
            if isinstance(item, str):
                yield item, _Use((*level.place, "layers", entry), where)
