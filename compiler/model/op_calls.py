"""Calls a function of `keras.ops` as a node describes it."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from compiler.catalogue.kinds.constants import array_of
from compiler.catalogue.kinds.op_kinds import MOST_STEPS
from compiler.catalogue.op_faults import by_parameter
from compiler.catalogue.op_parameters import Parameter, Takes
from compiler.catalogue.ops import OPS, Op
from compiler.keras_private import (
    first_call_of,
    is_symbolic,
    mark_dense,
    mask_of,
    operation_of,
)
from compiler.model.guards.op_arguments import refuse_arguments
from compiler.model.guards.text import refuse_text
from compiler.model.guards.tracing import agree, traced
from compiler.model.keras_errors import attributed
from compiler.model.layer_calls import Call, tensors_of
from compiler.model.tensors import Board, refuse_many_axes
from domain.graph.language import OpNode
from domain.graph.walk import Place


def op_result(node: OpNode, name: str, board: Board, place: Place) -> Any:
    """The tensors that a node's function gives.

    Args:
        node: The node; `compiler.catalogue.op_faults` finds nothing wrong with it.
        name: What Keras calls the operation.
        board: The tensors of the nodes before it.
        place: Where the node lies.

    Raises:
        Invalid: the function refuses these tensors or constants.
    """
    op = OPS[node.op]
    given = by_parameter(op, tensors_of(node, board, (*place, "inputs")))
    constants = {k: _constant(op.parameters[k], value) for k, value in node.config.items()}
    with attributed(place):
        refuse_text(op.name, keras.tree.flatten(dict(given)))
        refuse_arguments(op.name, given | constants)
        result = _called(op, given | constants)
        refuse_many_axes(keras.tree.flatten(result))
        for i, operation in enumerate(operations_between(result, dict(given))):
            operation.name = f"{name}.{i}" if i else name  # Keras's own may be a layer's already
            _make_dense(operation)
            _verify(operation)
    return result


def _make_dense(operation: Any) -> None:
    """Keras takes a product with a number for sparse, though no tensor of a graph is."""
    for tensor in first_call_of(operation).output_tensors:
        mark_dense(tensor)


def _called(op: Op, arguments: dict[str, Any]) -> Any:
    if op.name == "unstack":
        _refuse_many_parts(arguments["x"].shape, arguments.get("axis", 0))
    names = list(op.parameters)
    spread = next((name for name in names if op.parameters[name].is_variadic), None)
    if spread is None:
        return op.function(**arguments)
    before = [arguments.pop(name) for name in names[: names.index(spread)]]
    return op.function(*before, *arguments.pop(spread), **arguments)


def _refuse_many_parts(shape: Any, axis: Any) -> None:
    """See that an axis is not cut into more tensors than a graph bears."""
    known = isinstance(axis, int) and -len(shape) <= axis < len(shape)
    if known and (shape[axis] or 0) > MOST_STEPS:
        raise ValueError(f"'unstack' gives at most {MOST_STEPS} tensors; this gives {shape[axis]}.")


def _constant(parameter: Parameter, value: Any) -> Any:
    """What Keras's function takes for a JSON constant."""
    if parameter.takes is Takes.TENSOR:
        return _numbers(array_of(value))
    if value is not None:
        value = parameter.kind.read(value)
    if (parameter.op, parameter.name) == ("get_item", "key"):
        return _key(value)
    return _tuples(value)


def _numbers(value: Any) -> Any:
    """A single number that has a dtype as a tensor, for Keras's JSON keeps the dtype of those."""
    is_single = isinstance(value, np.ndarray) and value.ndim == 0
    return keras.ops.convert_to_tensor(value, value.dtype.name) if is_single else value


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples that Keras's functions ask for."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _key(value: Any) -> Any:
    """What stands in the brackets of `x[...]`: slices are written as in Python."""
    return tuple(_index(item) for item in (value if isinstance(value, list) else [value]))


def _index(value: Any) -> Any:
    if value == "...":
        return Ellipsis
    if isinstance(value, str):
        return slice(*(int(part) if part else None for part in value.split(":")))
    return value


def name_mask_operations(name: str, call: Call, tensors: Iterable[Any]) -> None:
    """Rename the operations that Keras adds to compute the masks of a call's results.

    Keras's own names (`not_equal`, `any`, ...) may equal names of the graph's nodes, and depend on
    how many models the process has built before.

    Args:
        name: The name of the node.
        call: The call of the node's layer.
        tensors: The result of the call.
    """
    given = keras.tree.flatten((call.args, dict(call.kwargs)))
    made = operations_between(_symbolic_masks(tensors), [*given, *_symbolic_masks(given)])
    for i, operation in enumerate(made):
        operation.name = f"{name}.mask.{i}" if i else f"{name}.mask"


def _symbolic_masks(tensors: Iterable[Any]) -> list[Any]:
    return [mask for mask in map(mask_of, tensors) if is_symbolic(mask)]


def operations_between(result: Any, given: Any) -> list[Any]:
    """The operations that lead from some tensors to others, the last one first."""
    known = {id(tensor) for tensor in keras.tree.flatten(given)}
    waiting = keras.tree.flatten(result)
    made: dict[int, Any] = {}
    while waiting:
        tensor = waiting.pop(0)
        operation = operation_of(tensor)
        if id(tensor) in known or id(operation) in made:
            continue
        made[id(operation)] = operation
        waiting += first_call_of(operation).input_tensors
    return list(made.values())


def _verify(operation: Any) -> None:
    """Let TensorFlow look at what Keras stated by itself: shapes, dtypes and whether it works.

    Raises:
        ValueError: Keras was wrong, and a training would have been the first to notice.
    """
    node = first_call_of(operation)
    arguments = node.arguments
    result = traced(operation.call, *arguments.args, **arguments.kwargs)
    for stated, real in zip(node.output_tensors, keras.tree.flatten(result), strict=True):
        if stated.dtype != real.dtype or not agree(stated.shape, real.shape):
            raise ValueError(
                f"Keras states {stated.dtype}{stated.shape} for what is {real.dtype}{real.shape}; "
                "this call cannot be part of a graph."
            )
