"""Sequential models: a list of layers, the shape of their input said in one of several places."""

from typing import Any

from compiler.keras_json.parsing.calls import Call, Given, Layer, Model, Tensor
from compiler.keras_json.parsing.document import Gathered, expect, refused
from compiler.keras_json.parsing.functional import named
from compiler.keras_json.parsing.values import dtype_name, plain
from domain.graph.walk import Place

_SHAPES = ("batch_input_shape", "batch_shape")


def sequential(config: Any, place: Place, gathered: Gathered) -> Model:
    """What the config of a sequential model holds: an object, or the bare list of old.

    Raises:
        Invalid: it cannot be read, or tells no input shape.
    """
    held = config if isinstance(config, list) else expect(config, dict, place).get("layers")
    where = place if isinstance(config, list) else (*place, "layers")
    specs = expect(held, list, where)
    listed = [named(spec, (*where, i)) for i, spec in enumerate(specs)]
    if not listed:
        raise refused(where, "A sequential model needs at least one layer.")
    if listed[0].spec.get("class_name") != "InputLayer":
        listed.insert(0, _input(config, listed, place))
    return _chained(listed)


def _chained(listed: list[Layer]) -> Model:
    layers: dict[str, Layer] = {}
    first, *others = listed
    layers[first.name] = first
    last = Tensor(first.name, 0, 0, first.place)
    for layer in others:
        known = layers.setdefault(layer.name, layer)
        if known.spec != layer.spec or layer.spec.get("class_name") == "InputLayer":
            detail = "A sequential model has layers of different names, and one input at its start."
            raise refused(layer.place, detail)
        known.calls.append(Call([Given(last, layer.place)], {}, layer.place))
        last = Tensor(layer.name, len(known.calls) - 1, 0, layer.place)
    return Model(layers, Tensor(first.name, 0, 0, first.place), last)


def _input(config: Any, listed: list[Layer], place: Place) -> Layer:
    """The input that Keras makes by itself."""
    first = listed[0]
    shape, where = _shape(first.spec, first.place)
    if shape is None and isinstance(config, dict):
        shape, where = config.get("build_input_shape"), (*place, "build_input_shape")
    if shape is None:
        detail = (
            "This sequential model does not tell the shape of its input; build it before "
            "`to_json()`, or begin it with `keras.Input(...)`."
        )
        raise refused(place, detail)
    spec = {"class_name": "InputLayer", "config": {"batch_shape": shape, "dtype": _dtype(first)}}
    names = {layer.name for layer in listed}
    name = f"{first.name}_input"
    while name in names:
        name += "_"
    return Layer(name, spec, where, [])


def _shape(spec: Any, place: Place) -> tuple[Any, Place]:
    """What a layer says of the shape of its input; of a model, what its own input says."""
    config = spec.get("config") if isinstance(spec, dict) else None
    if isinstance(config, list) and config:
        return _shape(config[0], (*place, "config", 0))
    if not isinstance(config, dict):
        return None, place
    for name in _SHAPES:
        if config.get(name) is not None:
            return plain(config[name]), (*place, "config", name)
    inner = config.get("layers")
    if isinstance(inner, list) and inner:
        return _shape(inner[0], (*place, "config", "layers", 0))
    return None, place


def _dtype(first: Layer) -> str | None:
    """As Keras has it: that in which the first layer computes."""
    config = first.spec.get("config")
    value = config.get("dtype") if isinstance(config, dict) else None
    dtype = dtype_name(value, (*first.place, "config", "dtype"))
    return dtype.removeprefix("mixed_") if dtype else None
