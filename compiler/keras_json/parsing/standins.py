"""Reads the small models that `compiler.model.fixed_training` puts around a call."""

from dataclasses import replace
from typing import Any

from compiler.keras_json.parsing.calls import Call, Layer, Model, Tensor, mapped, tensors_in
from compiler.keras_json.parsing.document import Gathered
from compiler.keras_json.parsing.models import is_input, is_model, model_of


def without_stand_ins(model: Model) -> Model:
    """The same model with the calls themselves in the places of what stands in for them."""
    layers = {name: _called(layer) or layer for name, layer in model.layers.items()}
    return replace(model, layers=layers)


def _called(outer: Layer) -> Layer | None:
    """The layer that a stand-in calls, called on what the stand-in is."""
    if len(outer.calls) != 1 or not is_model(outer.spec) or not _looks_like_one(outer):
        return None
    gathered = Gathered()
    found = gathered.attempt(lambda: model_of(outer.spec, outer.place, gathered))
    if found is None or gathered.faults:
        return None
    inner, *others = [layer for layer in found.layers.values() if not is_input(layer)]
    given = _given(found, outer.calls[0])
    if others or given is None or not _gives_all_in_order(found, inner):
        return None
    return Layer(outer.name, inner.spec, inner.place, [_with(inner.calls[0], given)])


def _looks_like_one(outer: Layer) -> bool:
    """Whether its inputs are called after it, before the rest is looked at."""
    config = outer.spec.get("config")
    listed = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(listed, list) or not isinstance(config, dict) or len(listed) < 2:
        return False
    *inputs, last = sorted(listed, key=lambda spec: not _is_own_input(spec, outer.name))
    return all(_is_own_input(spec, outer.name) for spec in inputs) and _is_told_training(last)


def _is_own_input(spec: Any, name: str) -> bool:
    is_one = isinstance(spec, dict) and spec.get("class_name") == "InputLayer"
    return is_one and str(spec.get("name")).startswith(f"{name}.")


def _is_told_training(spec: Any) -> bool:
    nodes = spec.get("inbound_nodes") if isinstance(spec, dict) else None
    node = nodes[0] if isinstance(nodes, list) and len(nodes) == 1 else None
    kwargs = node.get("kwargs") if isinstance(node, dict) else None
    return isinstance(kwargs, dict) and isinstance(kwargs.get("training"), bool)


def _given(found: Model, call: Call) -> dict[str, Tensor] | None:
    """What the stand-in's inputs are; None if it is called otherwise than on them alone."""
    names = [tensor.layer for tensor in tensors_in(found.inputs)]
    tensors = list(tensors_in(call.args[0].value)) if len(call.args) == 1 else []
    said = [value for given in call.kwargs.values() for value in _values(given.value)]
    if said or len(names) != len(tensors):
        return None
    return dict(zip(names, tensors, strict=True))


def _values(value: Any) -> list[Any]:
    """What an argument says, unless it is a list of nothing."""
    return [item for item in (value if isinstance(value, list) else [value]) if item is not None]


def _gives_all_in_order(found: Model, inner: Layer) -> bool:
    outputs = list(tensors_in(found.outputs))
    return [(t.layer, t.call, t.index) for t in outputs] == [
        (inner.name, 0, i) for i in range(len(outputs))
    ]


def _with(call: Call, given: dict[str, Tensor]) -> Call:
    args = [item._replace(value=mapped(item.value, lambda t: given[t.layer])) for item in call.args]
    kwargs = {
        name: item._replace(value=mapped(item.value, lambda t: given[t.layer]))
        for name, item in call.kwargs.items()
    }
    return call._replace(args=args, kwargs=kwargs, is_constant=True)
