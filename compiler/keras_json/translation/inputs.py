"""Translates the InputLayers of a model into the inputs of a graph."""

from typing import Any

from compiler.keras_json.parsing.document import expect, invalid_at
from compiler.keras_json.parsing.model_config import is_input_layer
from compiler.keras_json.parsing.parsed_model import Layer, Model, tensors_in
from compiler.keras_json.parsing.values import dtype_name, untag
from compiler.keras_json.translation.fragment import Fragment
from domain.graph.walk import Place

_KINDS = ("sparse", "ragged", "optional")
_SHAPES = ("batch_shape", "batch_input_shape")


def check_inputs(model: Model) -> None:
    """Check that the inputs of a model are its InputLayers, each once.

    Raises:
        Invalid: An input is no InputLayer or occurs twice, or an InputLayer is no input.
    """
    found: set[str] = set()
    for tensor in tensors_in(model.inputs):
        layer = model.layers.get(tensor.layer)
        if layer is None or not is_input_layer(layer):
            raise invalid_at(
                tensor.place, f"There is no InputLayer '{tensor.layer}' in this model."
            )
        if layer.name in found:
            raise invalid_at(tensor.place, f"'{layer.name}' is already one of the inputs.")
        found.add(layer.name)
    for layer in model.layers.values():
        if is_input_layer(layer) and layer.name not in found:
            raise invalid_at(layer.place, f"'{layer.name}' is not one of the model's inputs.")


def translate_input(layer: Layer, name: str) -> Fragment:
    """Return the graph's input, with the name `name`.

    Raises:
        Invalid: The input is sparse, ragged or optional, or has an unknown number of axes.
    """
    place: Place = (*layer.place, "config")
    config = expect(layer.spec.get("config"), dict, place)
    for kind in _KINDS:
        if config.get(kind):
            raise invalid_at((*place, kind), f"The inputs of a graph cannot be {kind}.")
    key = next((key for key in _SHAPES if config.get(key) is not None), _SHAPES[0])
    where = layer.place if "name" not in config else (*place, key)
    shape = expect(untag(config.get(key)), list, where)
    value: dict[str, Any] = {"name": name, "shape": shape[1:]}
    dtype = dtype_name(config.get("dtype"), (*place, "dtype"))
    if dtype not in (None, "float32"):
        value["dtype"] = dtype
    places: dict[Place, Place] = {
        (): layer.place,
        ("name",): (*layer.place, "name"),
        ("shape",): where,
        ("dtype",): (*place, "dtype"),
    }
    places |= {("shape", i): (*where, i + 1) for i in range(len(shape) - 1)}
    return Fragment(value, places)
