"""Finds what Keras's formats would not load back as it was.

A model, a wrapper, and the small model around a call with a constant `training`
(`compiler.model.fixed_training`) each store the layers inside them. A layer inside two of them is
stored twice, and loads as two layers with separate weights.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import JsonValue

from compiler.catalogue.arguments import arguments_of
from compiler.catalogue.layers import CATALOGUE
from domain.errors import Fault
from domain.graph.language import Blueprint, GraphDefinition, KerasLayer, LayerNode, ModelLayer
from domain.graph.walk import Level, Place, walk_layers, walk_levels
from domain.pointer import pointer

_FORGOTTEN = frozenset({("CategoryEncoding", "sparse"), ("MaxNumBoundingBoxes", "fill_value")})
"""Arguments that change what a layer gives and that it does not write down; with `autocast`."""
_WITHOUT_POLICY = frozenset(
    {
        "Discretization", "HashedCrossing",
        "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
    }
)  # fmt: skip
"""Layers that write down the dtype of their variables, which of a mixed policy is one half."""


def roundtrip_faults(blueprint: Blueprint, place: Place = ()) -> Iterator[Fault]:
    """Yield a fault at each part that Keras would load differently.

    Args:
        blueprint: A structurally sound graph; what is lost inside a model that it uses as a
            layer lies where the model is used.
        place: Where the definition lies.
    """
    reasons = {
        model: next(roundtrip_faults(inner), None) for model, inner in blueprint.sources.items()
    }
    yield from _sharing_faults(blueprint.definition, place)
    for level in walk_levels(blueprint.definition, place):
        yield from _calls(level)
        for where, held in walk_layers(level):
            if isinstance(held, KerasLayer):
                yield from _arguments(held, where)
            elif isinstance(held, ModelLayer) and (reason := reasons[held.model]):
                detail = f"Inside this model: {reason.detail}"
                yield Fault(pointer=pointer(*where), detail=detail)


def _calls(level: Level) -> Iterator[Fault]:
    for i, node in enumerate(level.graph.nodes):
        if isinstance(node, LayerNode) and node.call.get("training") is True:
            yield Fault(
                pointer=pointer(*level.place, "nodes", i, "call", "training"),
                detail="Keras puts the `training` of the whole model in the place of a constant "
                "`true` once it has loaded the model again: its predictions would be others.",
            )


def _arguments(layer: KerasLayer, place: Place) -> Iterator[Fault]:
    known = arguments_of(CATALOGUE[layer.type].cls)
    for name, value in layer.config.items():
        if value != known[name].default and _is_forgotten(layer.type, name, value):
            detail = f"Keras does not write this '{name}' down: the layer would come back without."
            yield Fault(pointer=pointer(*place, "config", name), detail=detail)


def _is_forgotten(layer: str, argument: str, value: JsonValue) -> bool:
    if layer == "RandomShear" and argument.endswith("_factor"):
        return isinstance(value, int | float)  # is written as a range that Keras then refuses
    if argument == "dtype":
        return layer in _WITHOUT_POLICY and str(value).startswith("mixed_")
    return argument == "autocast" or (layer, argument) in _FORGOTTEN


class _Use(NamedTuple):
    """A place that names a shared layer."""

    place: Place
    """The node, or the entry of `layers`, in which it is named."""
    holder: Place
    """What Keras writes the layer into."""


def _sharing_faults(definition: GraphDefinition, place: Place = ()) -> Iterator[Fault]:
    """A fault at every node that calls or wraps a layer which several holders share.

    Args:
        definition: A structurally sound graph.
        place: Where it lies.
    """
    uses: dict[tuple[Level, str], list[_Use]] = defaultdict(list)
    for level in walk_levels(definition, place):
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
