"""Parses sequential models: a list of layers, with the input shape in one of several places."""

from typing import Any

from compiler.keras_json.parsing.document import FaultCollector, expect, invalid_at
from compiler.keras_json.parsing.functional import parse_layer
from compiler.keras_json.parsing.parsed_model import Call, CallArgument, Layer, Model, Tensor
from compiler.keras_json.parsing.values import dtype_name, untag
from domain.graph.walk import Place

_SHAPES = ("batch_input_shape", "batch_shape")


def parse_sequential(config: Any, place: Place, collector: FaultCollector) -> Model:
    """Parse the config of a sequential model: an object, or a list of layers in old versions.

    Raises:
        Invalid: The config is unusable, or has no input shape.
    """
    items = config if isinstance(config, list) else expect(config, dict, place).get("layers")
    where = place if isinstance(config, list) else (*place, "layers")
    specs = expect(items, list, where)
    listed = [parse_layer(spec, (*where, i)) for i, spec in enumerate(specs)]
    if not listed:
        raise invalid_at(where, "A sequential model needs at least one layer.")
    if listed[0].spec.get("class_name") != "InputLayer":
        listed.insert(0, _make_input(config, listed, place))
    return _chain_layers(listed)


def _chain_layers(listed: list[Layer]) -> Model:
    layers: dict[str, Layer] = {}
    first, *others = listed
    layers[first.name] = first
    last = Tensor(first.name, 0, 0, first.place)
    for layer in others:
        known = layers.setdefault(layer.name, layer)
        if known.spec != layer.spec or layer.spec.get("class_name") == "InputLayer":
            detail = "A sequential model has layers of different names, and one input at its start."
            raise invalid_at(layer.place, detail)
        known.calls.append(Call([CallArgument(last, layer.place)], {}, layer.place))
        last = Tensor(layer.name, len(known.calls) - 1, 0, layer.place)
    return Model(layers, Tensor(first.name, 0, 0, first.place), last)


def _make_input(config: Any, listed: list[Layer], place: Place) -> Layer:
    """Make the InputLayer that Keras adds to a model without one."""
    first = listed[0]
    shape, where = _shape(first.spec, first.place)
    if shape is None and isinstance(config, dict):
        shape, where = config.get("build_input_shape"), (*place, "build_input_shape")
    if shape is None:
        detail = (
            "This sequential model does not tell the shape of its input; build it before "
            "`to_json()`, or begin it with `keras.Input(...)`."
        )
        raise invalid_at(place, detail)
    spec = {"class_name": "InputLayer", "config": {"batch_shape": shape, "dtype": _dtype(first)}}
    names = {layer.name for layer in listed}
    name = f"{first.name}_input"
    while name in names:
        name += "_"
    return Layer(name, spec, where, [])


def _shape(spec: Any, place: Place) -> tuple[Any, Place]:
    """Find the input shape in a layer's config, or in the first layer of a nested model."""
    config = spec.get("config") if isinstance(spec, dict) else None
    if isinstance(config, list) and config:
        return _shape(config[0], (*place, "config", 0))
    if not isinstance(config, dict):
        return None, place
    for name in _SHAPES:
        if config.get(name) is not None:
            return untag(config[name]), (*place, "config", name)
    inner = config.get("layers")
    if isinstance(inner, list) and inner:
        return _shape(inner[0], (*place, "config", "layers", 0))
    return None, place


def _dtype(first: Layer) -> str | None:
    """Return the dtype of the first layer, which Keras uses for the input."""
    config = first.spec.get("config")
    value = config.get("dtype") if isinstance(config, dict) else None
    dtype = dtype_name(value, (*first.place, "config", "dtype"))
    return dtype.removeprefix("mixed_") if dtype else None
