"""From which number a model's calls are counted where its tensors are named."""

from collections.abc import Mapping
from dataclasses import replace

from compiler.keras_json.parsing.calls import Call, Given, Layer, Model, Tensor, mapped, tensors_in

Firsts = Mapping[str, int]
"""The number of a layer's first call, where that is not 0."""


def counted_from_0(model: Model) -> Model:
    """The same model with every layer's calls counted from 0.

    Keras counts those of a functional model from 1, for it was called on its own inputs before:
    Keras 2 everywhere, Keras 3 where a tensor is an output.
    """
    calls = [call for layer in model.layers.values() for call in layer.calls]
    nested = [layer for layer in model.layers.values() if _holds_layers(layer)]
    if any(call.is_legacy for call in calls):
        inside = outside = _lowest(model, calls, nested)
    else:
        inside = {}
        outside = {layer.name: 1 for layer in nested if "input_layers" in layer.spec["config"]}
    for layer in model.layers.values():
        layer.calls = [_earlier(call, inside) for call in layer.calls]
    outputs = mapped(model.outputs, lambda tensor: _moved(tensor, outside))
    return replace(model, outputs=outputs)


def _holds_layers(layer: Layer) -> bool:
    config = layer.spec.get("config")
    return isinstance(config, list) or (isinstance(config, dict) and "layers" in config)


def _lowest(model: Model, calls: list[Call], nested: list[Layer]) -> Firsts:
    """By the lowest number that is used: Keras writes no call that leads nowhere."""
    lowest = {layer.name: 1 for layer in nested}
    used = [tensor for call in calls for tensor in call.tensors()]
    for tensor in (*used, *tensors_in(model.outputs)):
        if tensor.call == 0 and tensor.layer in lowest:
            lowest[tensor.layer] = 0
    return lowest


def _earlier(call: Call, firsts: Firsts) -> Call:
    def changed(given: Given) -> Given:
        return given._replace(value=mapped(given.value, lambda tensor: _moved(tensor, firsts)))

    args = [changed(given) for given in call.args]
    kwargs = {name: changed(given) for name, given in call.kwargs.items()}
    return call._replace(args=args, kwargs=kwargs)


def _moved(tensor: Tensor, firsts: Firsts) -> Tensor:
    return replace(tensor, call=tensor.call - firsts.get(tensor.layer, 0))
