"""Unwraps calls with a constant `training` from the models around them.

`compiler.model.fixed_training` wraps each such call in a small functional model.
"""

from dataclasses import replace
from typing import Any

from compiler.keras_json.parsing.document import FaultCollector, TooManyFaults
from compiler.keras_json.parsing.model_config import is_input_layer, is_model, parse_model
from compiler.keras_json.parsing.parsed_model import (
    Call,
    Layer,
    Model,
    Tensor,
    map_tensors,
    tensors_in,
)


def unwrap_fixed_training(model: Model) -> Model:
    """Return the model with each wrapper model replaced by the layer that it calls."""
    layers = {name: _unwrap(layer) or layer for name, layer in model.layers.items()}
    return replace(model, layers=layers)


def _unwrap(outer: Layer) -> Layer | None:
    """Return the wrapped layer, called on the wrapper's inputs; None if this is not a wrapper."""
    if len(outer.calls) != 1 or not is_model(outer.spec) or not _may_be_wrapper(outer):
        return None
    collector = FaultCollector()
    try:
        found = collector.attempt(lambda: parse_model(outer.spec, outer.place, collector))
    except TooManyFaults:
        return None
    if found is None or collector.faults:
        return None
    inner, *others = [layer for layer in found.layers.values() if not is_input_layer(layer)]
    given = _input_tensors(found, outer.calls[0])
    if others or given is None or not _returns_all_in_order(found, inner):
        return None
    return Layer(outer.name, inner.spec, inner.place, [_substitute(inner.calls[0], given)])


def _may_be_wrapper(outer: Layer) -> bool:
    """Whether the inputs are named after the model and its only call has a fixed `training`."""
    config = outer.spec.get("config")
    listed = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(listed, list) or not isinstance(config, dict) or len(listed) < 2:
        return False
    *inputs, last = sorted(listed, key=lambda spec: not _is_own_input(spec, outer.name))
    return all(_is_own_input(spec, outer.name) for spec in inputs) and _has_fixed_training(last)


def _is_own_input(spec: Any, name: str) -> bool:
    is_one = isinstance(spec, dict) and spec.get("class_name") == "InputLayer"
    return is_one and str(spec.get("name")).startswith(f"{name}.")


def _has_fixed_training(spec: Any) -> bool:
    nodes = spec.get("inbound_nodes") if isinstance(spec, dict) else None
    node = nodes[0] if isinstance(nodes, list) and len(nodes) == 1 else None
    kwargs = node.get("kwargs") if isinstance(node, dict) else None
    return isinstance(kwargs, dict) and isinstance(kwargs.get("training"), bool)


def _input_tensors(found: Model, call: Call) -> dict[str, Tensor] | None:
    """Map the wrapper's input names to tensors; None if the call has other arguments."""
    names = [tensor.layer for tensor in tensors_in(found.inputs)]
    tensors = list(tensors_in(call.args[0].value)) if len(call.args) == 1 else []
    others = [value for given in call.kwargs.values() for value in _values(given.value)]
    if others or len(names) != len(tensors):
        return None
    return dict(zip(names, tensors, strict=True))


def _values(value: Any) -> list[Any]:
    """Return the values of an argument that are not null."""
    return [item for item in (value if isinstance(value, list) else [value]) if item is not None]


def _returns_all_in_order(found: Model, inner: Layer) -> bool:
    outputs = list(tensors_in(found.outputs))
    return [(t.layer, t.call, t.index) for t in outputs] == [
        (inner.name, 0, i) for i in range(len(outputs))
    ]


def _substitute(call: Call, given: dict[str, Tensor]) -> Call:
    args = [
        item._replace(value=map_tensors(item.value, lambda t: given[t.layer])) for item in call.args
    ]
    kwargs = {
        name: item._replace(value=map_tensors(item.value, lambda t: given[t.layer]))
        for name, item in call.kwargs.items()
    }
    return call._replace(args=args, kwargs=kwargs, has_fixed_training=True)
