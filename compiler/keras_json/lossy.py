"""What Keras's own formats would lose of a graph, if it were written down in them."""

from collections.abc import Iterator

from pydantic import JsonValue

from compiler.catalogue.arguments import arguments_of
from compiler.catalogue.layers import CATALOGUE
from compiler.keras_json.lossy_sharing import sharing_faults
from domain.errors import Fault
from domain.graph.language import Blueprint, KerasLayer, LayerNode, ModelLayer
from domain.graph.walk import Level, Place, holdings, levels
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


def losses(blueprint: Blueprint, place: Place = ()) -> Iterator[Fault]:
    """A fault at everything that Keras would load otherwise than it was.

    Args:
        blueprint: A structurally sound graph; what is lost inside a model that it uses as a
            layer lies where the model is used.
        place: Where the definition lies.
    """
    reasons = {model: next(losses(inner), None) for model, inner in blueprint.sources.items()}
    yield from sharing_faults(blueprint.definition, place)
    for level in levels(blueprint.definition, place):
        yield from _calls(level)
        for where, held in holdings(level):
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
