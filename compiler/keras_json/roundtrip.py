"""Finds the parts of a graph that change when Keras saves and loads it.

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
from domain.graph.language import (
    Blueprint,
    GraphDefinition,
    KerasLayer,
    LayerNode,
    ModelLayer,
    Node,
)
from domain.graph.walk import Level, Place, walk_layers, walk_levels
from domain.json.pointer import pointer

_OMITTED = frozenset({("CategoryEncoding", "sparse"), ("MaxNumBoundingBoxes", "fill_value")})
"""Arguments that change a layer's outputs and that its `get_config` omits, besides `autocast`."""
_WITHOUT_POLICY = frozenset(
    {
        "Discretization", "HashedCrossing",
        "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
    }
)  # fmt: skip
"""Layers whose config has the dtype of their variables instead of their mixed dtype policy."""


def roundtrip_faults(blueprint: Blueprint, place: Place = ()) -> Iterator[Fault]:
    """Yield a fault at each part that Keras would load differently.

    A fault inside a model that the graph uses as a layer is reported where the graph uses it.

    Args:
        blueprint: A structurally valid graph.
        place: The place of the definition.
    """
    reasons = {
        model: next(roundtrip_faults(inner), None) for model, inner in blueprint.sources.items()
    }
    yield from _sharing_faults(blueprint.definition, place)
    for level in walk_levels(blueprint.definition, place):
        yield from _training_faults(level)
        for where, layer in walk_layers(level):
            if isinstance(layer, KerasLayer):
                yield from _argument_faults(layer, where)
            elif isinstance(layer, ModelLayer) and (reason := reasons[layer.model]):
                detail = f"Inside this model: {reason.detail}"
                yield Fault(pointer=pointer(*where), detail=detail)


def _training_faults(level: Level) -> Iterator[Fault]:
    for i, node in enumerate(level.graph.nodes):
        if isinstance(node, LayerNode) and node.call.get("training") is True:
            yield Fault(
                pointer=pointer(*level.place, "nodes", i, "call", "training"),
                detail="A model that Keras loads again replaces a constant `training` of `true` "
                "by the `training` of the whole model; its predictions would differ.",
            )


def _argument_faults(layer: KerasLayer, place: Place) -> Iterator[Fault]:
    known = arguments_of(CATALOGUE[layer.type].cls)
    for name, value in layer.config.items():
        if value != known[name].default and is_omitted(layer.type, name, value):
            detail = f"Keras does not save this '{name}'; the loaded layer would have the default."
            yield Fault(pointer=pointer(*place, "config", name), detail=detail)


def is_omitted(layer: str, argument: str, value: JsonValue) -> bool:
    """Whether an argument that is not the default is lost when Keras saves and loads the layer."""
    if layer == "RandomShear" and argument.endswith("_factor"):
        return isinstance(value, int | float)  # Keras saves a range that it refuses to load
    if argument == "dtype":
        return layer in _WITHOUT_POLICY and str(value).startswith("mixed_")
    return argument == "autocast" or (layer, argument) in _OMITTED


class _Use(NamedTuple):
    """A place that names a shared layer."""

    place: Place
    """The node, or the entry of `layers`, that names the layer."""
    container: Place
    """The graph, wrapper or call in whose JSON Keras stores the layer."""


def _sharing_faults(definition: GraphDefinition, place: Place = ()) -> Iterator[Fault]:
    """Yield a fault at every use of a layer that Keras would store in several containers.

    Args:
        definition: A structurally valid graph.
        place: The place of the definition.
    """
    uses: dict[tuple[Level, str], list[_Use]] = defaultdict(list)
    for level in walk_levels(definition, place):
        for name, use in _uses(level):
            uses[level.scope[name], name].append(use)
    for (_, name), found in uses.items():
        if len({use.container for use in found}) > 1:
            detail = (
                f"The layer '{name}' is shared across the border of a nested graph, a wrapper or "
                "a call with a constant `training`; Keras would load it as several layers with "
                "separate weights."
            )
            for where in dict.fromkeys(use.place for use in found):
                yield Fault(pointer=pointer(*where), detail=detail)


def _uses(level: Level) -> Iterator[tuple[str, _Use]]:
    """Yield the names of shared layers in one graph, with the places that name them."""
    for i, (node, layers) in enumerate(zip(level.graph.nodes, level.calls, strict=True)):
        node_place = (*level.place, "nodes", i)
        container = node_place if _has_fixed_training(node) else level.place
        for where, layer in layers:
            if isinstance(layer, str):
                is_called = where == (*node_place, "layer")  # otherwise a wrapper contains it
                yield layer, _Use(node_place, container if is_called else where)
    for entry, layers in level.entries.items():
        for where, layer in layers:
            if isinstance(layer, str):
                yield layer, _Use((*level.place, "layers", entry), where)


def _has_fixed_training(node: Node) -> bool:
    return isinstance(node, LayerNode) and "training" in node.call
