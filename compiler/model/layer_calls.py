"""Builds the arguments of a layer's call from a node's `inputs` and `call`."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from compiler.catalogue.call_parameters import is_flag, parameters_of_call
from compiler.keras_private import MergeLayer
from compiler.model import rnn_states
from compiler.model.scope import BuiltLayer
from compiler.model.tensors import NodeTensors
from domain.errors import Fault, Invalid, did_you_mean
from domain.graph.language import LayerNode, Node
from domain.graph.walk import Place
from domain.json.pointer import pointer

_TRAINING = inspect.Parameter("training", inspect.Parameter.KEYWORD_ONLY, default=None)


class Call(NamedTuple):
    """The arguments of a layer's call."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def build_call(node: LayerNode, layer: BuiltLayer, tensors: NodeTensors, place: Place) -> Call:
    """Build the arguments of the call that a node describes.

    Args:
        node: The node.
        layer: The layer that the node calls.
        tensors: The tensors of the nodes before it.
        place: The place of the node in the document.

    Raises:
        Invalid: References or arguments do not fit the layer. Each has one fault.
    """
    where = (*place, "inputs")
    given = read_tensors(node, tensors, where)
    faults = [*_find_constant_faults(node, layer, (*place, "call"))]
    if layer.inputs is not None:
        faults += _find_graph_faults(node, layer.inputs, where)
    elif isinstance(given, dict):
        faults += _find_argument_faults(given, layer, where)
    else:
        faults += _find_unnamed_faults(given, layer, where)
    if faults:
        raise Invalid(faults)
    if layer.inputs is not None:
        return Call((_order_tensors(given, layer.inputs),), node.call)
    return _build_layer_call(given, node.call, layer)


def read_tensors(node: Node, tensors: NodeTensors, place: Place) -> Any:
    """Return a node's `inputs` with each reference replaced by its tensor."""

    def read(value: str | list[str], where: Place) -> Any:
        if isinstance(value, str):
            return tensors.read(value, where)
        return [tensors.read(text, (*where, i)) for i, text in enumerate(value)]

    if isinstance(node.inputs, dict):
        return {name: read(value, (*place, name)) for name, value in node.inputs.items()}
    return read(node.inputs, place)


def _build_layer_call(tensors: Any, constants: Mapping[str, Any], layer: BuiltLayer) -> Call:
    if not isinstance(tensors, dict):
        alone = isinstance(tensors, list) and len(tensors) == 1
        if alone and not isinstance(layer.keras, MergeLayer):
            tensors = tensors[0]
        return Call((tensors,), constants)
    for name in rnn_states.ARGUMENTS & tensors.keys():
        tensors[name] = rnn_states.pack(layer.keras, tensors[name])
    first = next(iter(parameters_of_call(layer.keras)))
    args = (tensors.pop(first),) if first in tensors else ()
    return Call(args, {**tensors, **constants})


def _order_tensors(tensors: Any, inputs: Any) -> Any:
    """Return the tensors in the order of a nested model's inputs; a single one without a list."""
    if isinstance(tensors, dict):
        tensors = [tensors[name] for name in inputs]
    listed = tensors if isinstance(tensors, list) else [tensors]
    return listed[0] if len(inputs) == 1 else listed


def _find_graph_faults(node: LayerNode, inputs: Any, place: Place) -> Iterator[Fault]:
    named = ", ".join(f"'{name}'" for name in inputs)
    wanted = f"This graph takes {len(inputs)} input{'s' * (len(inputs) != 1)}: {named}"
    if isinstance(node.inputs, dict):
        for name, value in node.inputs.items():
            if name not in inputs:
                detail = f"There is no input '{name}'. {wanted}.{did_you_mean(name, inputs)}"
                yield Fault(pointer=pointer(*place, name), detail=detail)
            elif not isinstance(value, str):
                detail = "An input of a graph takes one reference."
                yield Fault(pointer=pointer(*place, name), detail=detail)
        for name in inputs:
            if name not in node.inputs:
                detail = f"The input '{name}' is not given. {wanted}."
                yield Fault(pointer=pointer(*place), detail=detail)
        return
    given = len(node.inputs) if isinstance(node.inputs, list) else 1
    if given != len(inputs):
        detail = f"{wanted}, in this order or as an object by these names; {given} given."
        yield Fault(pointer=pointer(*place), detail=detail)


def _find_argument_faults(
    tensors: Mapping[str, Any], layer: BuiltLayer, place: Place
) -> Iterator[Fault]:
    known = parameters_of_call(layer.keras)
    for name, value in tensors.items():
        if name not in known:
            yield Fault(pointer=pointer(*place, name), detail=_describe_unknown(name, layer, known))
        elif is_flag(known[name]):
            detail = f"'{name}' is true or false, so it belongs in `call`."
            yield Fault(pointer=pointer(*place, name), detail=detail)
        elif reason := rnn_states.explain_misfit(layer.keras, name, value):
            yield Fault(pointer=pointer(*place, name), detail=reason)
    for parameter in known.values():
        if parameter.default is parameter.empty and parameter.name not in tensors:
            detail = f"{layer.type} needs '{parameter.name}', which is not given."
            yield Fault(pointer=pointer(*place), detail=detail)


def _find_unnamed_faults(tensors: Any, layer: BuiltLayer, place: Place) -> Iterator[Fault]:
    """Yield the faults of tensors without argument names: only the first argument takes them."""
    known = parameters_of_call(layer.keras)
    needed = [n for n, p in known.items() if p.default is p.empty]
    if "initial_state" in known and isinstance(tensors, list) and len(tensors) > 1:
        first = next(iter(known))
        detail = (
            f"{layer.type} takes one sequence; give its states by name: "
            f'{{"{first}": ..., "initial_state": [...]}}.'
        )
        yield Fault(pointer=pointer(*place), detail=detail)
    if len(needed) > 1:
        wanted = ", ".join(f"'{name}'" for name in needed)
        detail = f"{layer.type} needs {wanted}; give an object that maps these names to references."
        yield Fault(pointer=pointer(*place), detail=detail)


def _find_constant_faults(node: LayerNode, layer: BuiltLayer, place: Place) -> Iterator[Fault]:
    is_graph = layer.inputs is not None
    known = {"training": _TRAINING} | ({} if is_graph else parameters_of_call(layer.keras))
    given = node.inputs if isinstance(node.inputs, dict) and not is_graph else {}
    for name, value in node.call.items():
        where = pointer(*place, name)
        if name not in known:
            yield Fault(pointer=where, detail=_describe_unknown(name, layer, known))
        elif name in given:
            yield Fault(pointer=where, detail=f"`inputs` already gives '{name}'.")
        elif reason := _explain_misfit(value, known[name]):
            yield Fault(pointer=where, detail=reason)


def _explain_misfit(value: Any, parameter: inspect.Parameter) -> str | None:
    """Explain why a constant cannot be an argument. Only flags can be constants.

    Returns:
        None if the constant can be the argument.
    """
    name = parameter.name
    if is_flag(parameter):
        return None if isinstance(value, bool) else f"'{name}' must be true or false."
    if value is None and parameter.default is None:
        return None
    return f"'{name}' is a tensor, so it belongs in `inputs`."


def _describe_unknown(name: str, layer: BuiltLayer, known: Mapping[str, Any]) -> str:
    listed = ", ".join(f"'{argument}'" for argument in known)
    near = did_you_mean(name, known)
    return f"The call of {layer.type} has no argument '{name}'; it has {listed}.{near}"
