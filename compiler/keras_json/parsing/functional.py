"""Functional models: `layers` with their `inbound_nodes`, `input_layers` and `output_layers`."""

from functools import partial
from typing import Any

from compiler.keras_json.parsing.calls import Call, Layer, Model, tensors_in
from compiler.keras_json.parsing.counting import counted_from_0
from compiler.keras_json.parsing.document import Gathered, expect, refused
from compiler.keras_json.parsing.inbound import call_of, is_leaf, plain_list, tensor_at
from domain.graph.walk import Place

_PARTS = ("layers", "input_layers", "output_layers")
_KEEP_LISTS = frozenset({"TFOpLambda", "SlicingOpLambda"})


def functional(config: Any, place: Place, gathered: Gathered) -> Model:
    """What the config of a functional model holds.

    Raises:
        Invalid: it cannot be read at all.
    """
    config = expect(config, dict, place)
    if not config.keys() >= set(_PARTS):
        detail = f"The config of a functional model needs {', '.join(_PARTS)}."
        raise refused(place, detail)
    layers = _layers(config["layers"], (*place, "layers"), gathered)
    inputs, outputs = (_tensors(config[name], (*place, name)) for name in _PARTS[1:])
    return counted_from_0(Model(layers, inputs, outputs))


def _tensors(value: Any, place: Place) -> Any:
    made = structure(value, place)
    if not any(True for _ in tensors_in(made)):
        raise refused(place, 'A model needs at least one tensor here, e.g. ["dense", 0, 0].')
    return made


def structure(value: Any, place: Place) -> Any:
    """The tensors that a model's inputs or outputs are, in lists and mappings.

    Raises:
        Invalid: something in it is none.
    """
    value = plain_list(value)
    if is_leaf(value):
        return tensor_at(value, place)
    if isinstance(value, dict):
        return {key: structure(item, (*place, key)) for key, item in value.items()}
    return [structure(item, (*place, i)) for i, item in enumerate(expect(value, list, place))]


def named(spec: Any, place: Place) -> Layer:
    """A serialized layer, its calls still unread.

    Raises:
        Invalid: it has no name.
    """
    spec = expect(spec, dict, place)
    config = spec.get("config")
    inner = config.get("name") if isinstance(config, dict) else None
    return Layer(expect(spec.get("name", inner), str, (*place, "name")), spec, place, [])


def _layers(listed: Any, place: Place, gathered: Gathered) -> dict[str, Layer]:
    layers: dict[str, Layer] = {}
    for i, spec in enumerate(expect(listed, list, place)):
        layer = gathered.attempt(partial(_another, spec, (*place, i), layers))
        if layer:
            layers[layer.name] = layer
    for layer in layers.values():
        layer.calls = gathered.attempt(partial(_calls, layer, layers)) or []
    return layers


def _another(spec: Any, place: Place, others: dict[str, Layer]) -> Layer:
    layer = named(spec, place)
    if layer.name in others:
        raise refused((*place, "name"), "Another layer of this model has this name already.")
    return layer


def _calls(layer: Layer, layers: dict[str, Layer]) -> list[Call]:
    place = (*layer.place, "inbound_nodes")
    nodes = expect(plain_list(layer.spec.get("inbound_nodes", [])), list, place)
    keeps_lists = str(layer.spec.get("class_name")) in _KEEP_LISTS
    return [call_of(node, (*place, i), layers, keeps_lists) for i, node in enumerate(nodes)]
