"""From a node's `inputs` and `call` to the arguments of Keras's call."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from compiler.catalogue.call_parameters import is_flag, parameters_of_call
from compiler.keras_private import MergeLayer
from compiler.model import rnn_states
from compiler.model.scope import Made
from compiler.model.tensors import Board
from domain.errors import Fault, Invalid, did_you_mean
from domain.graph.language import LayerNode, Node
from domain.graph.walk import Place
from domain.pointer import pointer

_TRAINING = inspect.Parameter("training", inspect.Parameter.KEYWORD_ONLY, default=None)


class Call(NamedTuple):
    """What a layer is called with."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def call_of(node: LayerNode, made: Made, board: Board, place: Place) -> Call:
    """The call that a node describes.

    Raises:
        Invalid: references or arguments that do not fit, each with its pointer.
    """
    where = (*place, "inputs")
    tensors = tensors_of(node, board, where)
    faults = [*_constant_faults(node, made, (*place, "call"))]
    if made.inputs is not None:
        faults += _graph_faults(node, made.inputs, where)
    elif isinstance(tensors, dict):
        faults += _argument_faults(tensors, made, where)
    else:
        faults += _unnamed_faults(tensors, made, where)
    if faults:
        raise Invalid(faults)
    if made.inputs is not None:
        return Call((_in_order(tensors, made.inputs),), node.call)
    return _layer_call(tensors, node.call, made)


def tensors_of(node: Node, board: Board, place: Place) -> Any:
    """A node's `inputs` with a tensor in the place of each reference."""

    def read(value: str | list[str], where: Place) -> Any:
        if isinstance(value, str):
            return board.read(value, where)
        return [board.read(text, (*where, i)) for i, text in enumerate(value)]

    if isinstance(node.inputs, dict):
        return {name: read(value, (*place, name)) for name, value in node.inputs.items()}
    return read(node.inputs, place)


def _layer_call(tensors: Any, constants: Mapping[str, Any], made: Made) -> Call:
    if not isinstance(tensors, dict):
        alone = isinstance(tensors, list) and len(tensors) == 1
        if alone and not isinstance(made.keras, MergeLayer):
            tensors = tensors[0]
        return Call((tensors,), constants)
    for name in rnn_states.ARGUMENTS & tensors.keys():
        tensors[name] = rnn_states.packed(made.keras, tensors[name])
    first = next(iter(parameters_of_call(made.keras)))
    args = (tensors.pop(first),) if first in tensors else ()
    return Call(args, {**tensors, **constants})


def _in_order(tensors: Any, inputs: Any) -> Any:
    """What a nested model takes: a tensor, or a list in its input order."""
    if isinstance(tensors, dict):
        tensors = [tensors[name] for name in inputs]
    listed = tensors if isinstance(tensors, list) else [tensors]
    return listed[0] if len(inputs) == 1 else listed


def _graph_faults(node: LayerNode, inputs: Any, place: Place) -> Iterator[Fault]:
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


def _argument_faults(tensors: Mapping[str, Any], made: Made, place: Place) -> Iterator[Fault]:
    known = parameters_of_call(made.keras)
    for name, value in tensors.items():
        if name not in known:
            yield Fault(pointer=pointer(*place, name), detail=_no_argument(name, made, known))
        elif is_flag(known[name]):
            detail = f"'{name}' is true or false, which belongs in `call`."
            yield Fault(pointer=pointer(*place, name), detail=detail)
        elif reason := rnn_states.reason_against(made.keras, name, value):
            yield Fault(pointer=pointer(*place, name), detail=reason)
    for parameter in known.values():
        if parameter.default is parameter.empty and parameter.name not in tensors:
            detail = f"{made.type} is called with '{parameter.name}', which is not given."
            yield Fault(pointer=pointer(*place), detail=detail)


def _unnamed_faults(tensors: Any, made: Made, place: Place) -> Iterator[Fault]:
    """Tensors that are not named are the first argument's alone."""
    known = parameters_of_call(made.keras)
    needed = [n for n, p in known.items() if p.default is p.empty]
    if "initial_state" in known and isinstance(tensors, list) and len(tensors) > 1:
        first = next(iter(known))
        detail = (
            f"{made.type} takes one sequence; its states go by name: "
            f'{{"{first}": ..., "initial_state": [...]}}.'
        )
        yield Fault(pointer=pointer(*place), detail=detail)
    if len(needed) > 1:
        wanted = ", ".join(f"'{name}'" for name in needed)
        detail = f"{made.type} is called with {wanted}: give an object of these to references."
        yield Fault(pointer=pointer(*place), detail=detail)


def _constant_faults(node: LayerNode, made: Made, place: Place) -> Iterator[Fault]:
    is_graph = made.inputs is not None
    known = {"training": _TRAINING} | ({} if is_graph else parameters_of_call(made.keras))
    given = node.inputs if isinstance(node.inputs, dict) and not is_graph else {}
    for name, value in node.call.items():
        where = pointer(*place, name)
        if name not in known:
            yield Fault(pointer=where, detail=_no_argument(name, made, known))
        elif name in given:
            yield Fault(pointer=where, detail=f"`inputs` gives '{name}' already.")
        elif reason := _reason_against(value, known[name]):
            yield Fault(pointer=where, detail=reason)


def _reason_against(value: Any, parameter: inspect.Parameter) -> str | None:
    """Why a constant cannot be an argument of a call: all but flags are tensors."""
    name = parameter.name
    if is_flag(parameter):
        return None if isinstance(value, bool) else f"'{name}' must be true or false."
    if value is None and parameter.default is None:
        return None
    return f"'{name}' is a tensor, which belongs in `inputs`."


def _no_argument(name: str, made: Made, known: Mapping[str, Any]) -> str:
    listed = ", ".join(f"'{argument}'" for argument in known)
    near = did_you_mean(name, known)
    return f"{made.type} is not called with '{name}'; there are {listed}.{near}"
