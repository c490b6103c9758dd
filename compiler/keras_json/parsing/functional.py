"""Parses functional models: `layers` with `inbound_nodes`, `input_layers`, `output_layers`."""

from functools import partial
from typing import Any

from compiler.keras_json.parsing.call_numbers import count_calls_from_zero
from compiler.keras_json.parsing.document import FaultCollector, expect, invalid_at
from compiler.keras_json.parsing.inbound_nodes import (
    is_tensor_reference,
    parse_call,
    parse_tensor,
    untag_list,
)
from compiler.keras_json.parsing.parsed_model import Call, Layer, Model, tensors_in
from domain.graph.walk import Place

_PARTS = ("layers", "input_layers", "output_layers")
_KEEP_LISTS = frozenset({"TFOpLambda", "SlicingOpLambda"})


def parse_functional(config: Any, place: Place, collector: FaultCollector) -> Model:
    """Parse the config of a functional model.

    Raises:
        Invalid: The config is unusable as a whole; other faults go to `collector`.
    """
    config = expect(config, dict, place)
    if not config.keys() >= set(_PARTS):
        detail = f"The config of a functional model needs {', '.join(_PARTS)}."
        raise invalid_at(place, detail)
    layers = _parse_layers(config["layers"], (*place, "layers"), collector)
    inputs, outputs = (_parse_tensors(config[name], (*place, name)) for name in _PARTS[1:])
    return count_calls_from_zero(Model(layers, inputs, outputs))


def _parse_tensors(value: Any, place: Place) -> Any:
    made = _parse_structure(value, place)
    if not any(True for _ in tensors_in(made)):
        raise invalid_at(place, 'A model needs at least one tensor here, e.g. ["dense", 0, 0].')
    return made


def _parse_structure(value: Any, place: Place) -> Any:
    """Parse a model's inputs or outputs: tensor references in lists and mappings.

    Raises:
        Invalid: A leaf is not a tensor reference.
    """
    value = untag_list(value)
    if is_tensor_reference(value):
        return parse_tensor(value, place)
    if isinstance(value, dict):
        return {key: _parse_structure(item, (*place, key)) for key, item in value.items()}
    return [
        _parse_structure(item, (*place, i)) for i, item in enumerate(expect(value, list, place))
    ]


def parse_layer(spec: Any, place: Place) -> Layer:
    """Parse a serialized layer without its calls.

    Raises:
        Invalid: The layer has no name.
    """
    spec = expect(spec, dict, place)
    config = spec.get("config")
    inner = config.get("name") if isinstance(config, dict) else None
    return Layer(expect(spec.get("name", inner), str, (*place, "name")), spec, place, [])


def _parse_layers(listed: Any, place: Place, collector: FaultCollector) -> dict[str, Layer]:
    layers: dict[str, Layer] = {}
    for i, spec in enumerate(expect(listed, list, place)):
        layer = collector.attempt(partial(_parse_unique_layer, spec, (*place, i), layers))
        if layer:
            layers[layer.name] = layer
    for layer in layers.values():
        layer.calls = collector.attempt(partial(_parse_calls, layer, layers)) or []
    return layers


def _parse_unique_layer(spec: Any, place: Place, others: dict[str, Layer]) -> Layer:
    layer = parse_layer(spec, place)
    if layer.name in others:
        raise invalid_at((*place, "name"), "Another layer of this model has this name already.")
    return layer


def _parse_calls(layer: Layer, layers: dict[str, Layer]) -> list[Call]:
    place = (*layer.place, "inbound_nodes")
    nodes = expect(untag_list(layer.spec.get("inbound_nodes", [])), list, place)
    keeps_lists = str(layer.spec.get("class_name")) in _KEEP_LISTS
    return [parse_call(node, (*place, i), layers, keeps_lists) for i, node in enumerate(nodes)]
