"""Calls a function of `keras.ops` as a node describes it."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras

from compiler.calls import tensors_of
from compiler.messages import attributed
from compiler.ops import OPS, Op
from compiler.tensors import Board
from domain.errors import Fault, Invalid, did_you_mean
from domain.graph import OpNode
from domain.nesting import Place
from domain.pointer import pointer


def op_result(node: OpNode, name: str, board: Board, place: Place) -> Any:
    """The tensors that a node's function gives.

    Args:
        node: The node.
        name: What Keras calls the operation.
        board: The tensors of the nodes before it.
        place: Where the node lies.

    Raises:
        Invalid: an unknown function, or arguments that it does not take.
    """
    op = OPS.get(node.op)
    if op is None:
        detail = f"There is no operation '{node.op}'.{did_you_mean(node.op, OPS)}"
        raise Invalid([Fault(pointer=pointer(*place, "op"), detail=detail)])
    given = _by_parameter(op, tensors_of(node, board, (*place, "inputs")))
    faults = list(_argument_faults(op, given, node.config, place))
    if faults:
        raise Invalid(faults)
    with attributed(place):
        result = _called(op, given | {k: _constant(v) for k, v in node.config.items()})
        _rename(result, given, name)
    return result


def _by_parameter(op: Op, tensors: Any) -> dict[str, Any]:
    """The node's tensors by the function's parameters."""
    if isinstance(tensors, dict):
        return tensors
    if op.variadic:
        return {op.variadic: tensors if isinstance(tensors, list) else [tensors]}
    if op.takes_list or not isinstance(tensors, list):
        return {op.first.name: tensors}
    return dict(zip(op.parameters, tensors, strict=False))


def _argument_faults(
    op: Op, given: Mapping[str, Any], config: Mapping[str, Any], place: Place
) -> Iterator[Fault]:
    for room, names in (("inputs", given), ("config", config)):
        for name in names:
            if name not in op.parameters:
                near = did_you_mean(name, op.parameters)
                detail = f"'{op.name}' has no argument '{name}'.{near}"
                yield Fault(pointer=pointer(*place, room, name), detail=detail)
    for name in given.keys() & config.keys():
        detail = f"`inputs` gives '{name}' already."
        yield Fault(pointer=pointer(*place, "config", name), detail=detail)
    for name, parameter in op.parameters.items():
        required = parameter.default is parameter.empty and name != op.variadic
        if required and name not in given and name not in config:
            detail = f"'{op.name}' needs the argument '{name}'."
            yield Fault(pointer=pointer(*place), detail=detail)


def _constant(value: Any) -> Any:
    """JSON's lists as the tuples that Keras's functions ask for."""
    return tuple(_constant(item) for item in value) if isinstance(value, list) else value


def _called(op: Op, arguments: dict[str, Any]) -> Any:
    if op.variadic is None:
        return op.function(**arguments)
    spread = arguments.pop(op.variadic)
    leading = [arguments.pop(name) for name in op.parameters if name in arguments]
    return op.function(*leading, *spread)


def _rename(result: Any, given: Mapping[str, Any], name: str) -> None:
    """Give the operations that were made names of ours: Keras's own may be a layer's already."""
    known = {id(tensor) for tensor in keras.tree.flatten(dict(given))}
    waiting = keras.tree.flatten(result)
    made: dict[int, Any] = {}
    while waiting:
        tensor = waiting.pop(0)
        operation = tensor._keras_history.operation
        if id(tensor) in known or id(operation) in made:
            continue
        made[id(operation)] = operation
        waiting += keras.tree.flatten(operation._inbound_nodes[0].input_tensors)
    for i, operation in enumerate(made.values()):
        operation.name = f"{name}.{i}" if i else name
