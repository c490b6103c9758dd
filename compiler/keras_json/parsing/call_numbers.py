"""Numbers of calls in tensor references, normalized to start at 0."""

from collections.abc import Mapping
from dataclasses import replace

from compiler.keras_json.parsing.parsed_model import (
    Call,
    CallArgument,
    Layer,
    Model,
    Tensor,
    map_tensors,
    tensors_in,
)

FirstNumbers = Mapping[str, int]
"""The number of a layer's first call, by layer name; absent if it is 0."""


def count_calls_from_zero(model: Model) -> Model:
    """Return the model with the calls of every layer numbered from 0.

    Keras numbers the calls of a nested functional model from 1, because number 0 is the call on
    its own inputs. Keras 2 does this in every reference, Keras 3 in the model's outputs only.
    """
    calls = [call for layer in model.layers.values() for call in layer.calls]
    nested = [layer for layer in model.layers.values() if _has_layers(layer)]
    if any(call.is_keras_2 for call in calls):
        inside = outside = _lowest_numbers(model, calls, nested)
    else:
        inside = {}
        outside = {layer.name: 1 for layer in nested if "input_layers" in layer.spec["config"]}
    for layer in model.layers.values():
        layer.calls = [_renumber_call(call, inside) for call in layer.calls]
    outputs = map_tensors(model.outputs, lambda tensor: _renumber(tensor, outside))
    return replace(model, outputs=outputs)


def _has_layers(layer: Layer) -> bool:
    config = layer.spec.get("config")
    return isinstance(config, list) or (isinstance(config, dict) and "layers" in config)


def _lowest_numbers(model: Model, calls: list[Call], nested: list[Layer]) -> FirstNumbers:
    """Infer the first number of each nested model: 0 if a reference uses 0, otherwise 1."""
    lowest = {layer.name: 1 for layer in nested}
    used = [tensor for call in calls for tensor in call.tensors()]
    for tensor in (*used, *tensors_in(model.outputs)):
        if tensor.call == 0 and tensor.layer in lowest:
            lowest[tensor.layer] = 0
    return lowest


def _renumber_call(call: Call, firsts: FirstNumbers) -> Call:
    def changed(given: CallArgument) -> CallArgument:
        return given._replace(
            value=map_tensors(given.value, lambda tensor: _renumber(tensor, firsts))
        )

    args = [changed(given) for given in call.args]
    kwargs = {name: changed(given) for name, given in call.kwargs.items()}
    return call._replace(args=args, kwargs=kwargs)


def _renumber(tensor: Tensor, firsts: FirstNumbers) -> Tensor:
    return replace(tensor, call=tensor.call - firsts.get(tensor.layer, 0))
