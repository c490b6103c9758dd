"""Calls the operations of nodes."""

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
    get_first_call,
    get_mask,
    get_operation,
    is_symbolic,
    mark_dense,
)
from compiler.model.guards.op_arguments import refuse_arguments
from compiler.model.guards.text import refuse_text
from compiler.model.guards.tracing import shapes_agree, trace
from compiler.model.keras_errors import catch_keras_errors
from compiler.model.layer_calls import Call, read_tensors
from compiler.model.refusals import Refusal, locate_refusals
from compiler.model.tensors import NodeTensors, refuse_results
from domain.graph.language import OpNode
from domain.graph.walk import Place


def call_op(node: OpNode, name: str, tensors: NodeTensors, place: Place) -> Any:
    """Call a node's operation.

    Args:
        node: The node, in which `compiler.catalogue.op_faults` finds no fault.
        name: The name that the Keras operation gets.
        tensors: The tensors of the nodes before it.
        place: The place of the node in the document.

    Returns:
        Tensors, nested in any way.

    Raises:
        Invalid: The operation refuses these tensors or constants.
    """
    op = OPS[node.op]
    given = by_parameter(op, read_tensors(node, tensors, (*place, "inputs")))
    constants = {k: _convert_constant(op.parameters[k], value) for k, value in node.config.items()}
    with locate_refusals(place):
        refuse_text(op.name, keras.tree.flatten(dict(given)))
        refuse_arguments(op.name, given | constants)
        result = _call_keras(op, given | constants)
        refuse_results(op.name, keras.tree.flatten(result))
        for i, operation in enumerate(find_operations(result, dict(given))):
            # Keras's own name may equal that of a layer
            operation.name = f"{name}.{i}" if i else name
            _mark_dense(operation)
            _verify(operation)
    return result


def _mark_dense(operation: Any) -> None:
    """Mark the results of an operation as dense: Keras marks a product with a number as sparse."""
    for tensor in get_first_call(operation).output_tensors:
        mark_dense(tensor)


def _call_keras(op: Op, arguments: dict[str, Any]) -> Any:
    if op.name == "unstack":
        _refuse_many_parts(arguments["x"], arguments.get("axis", 0))
    names = list(op.parameters)
    variadic = next((name for name in names if op.parameters[name].is_variadic), None)
    if variadic is None:
        with catch_keras_errors():
            return op.function(**arguments)
    before = [arguments.pop(name) for name in names[: names.index(variadic)]]
    rest = arguments.pop(variadic)
    with catch_keras_errors():
        return op.function(*before, *rest, **arguments)


def _refuse_many_parts(x: Any, axis: Any) -> None:
    """Refuse to split an axis into more than MOST_STEPS tensors."""
    shape = getattr(x, "shape", ())
    exists = isinstance(axis, int) and -len(shape) <= axis < len(shape)
    if exists and (shape[axis] or 0) > MOST_STEPS:
        raise Refusal(f"'unstack' returns at most {MOST_STEPS} tensors, not {shape[axis]}.")


def _convert_constant(parameter: Parameter, value: Any) -> Any:
    """Convert a JSON constant to what Keras's function takes."""
    if parameter.takes is Takes.TENSOR:
        return _convert_number(array_of(value))
    if value is not None:
        value = parameter.kind.read(value)
    if (parameter.op, parameter.name) == ("get_item", "key"):
        return _convert_key(value)
    return _convert_lists(value)


def _convert_number(value: Any) -> Any:
    """Convert a single number that has a dtype to a tensor, since Keras's JSON keeps its dtype."""
    is_single = isinstance(value, np.ndarray) and value.ndim == 0
    return keras.ops.convert_to_tensor(value, value.dtype.name) if is_single else value


def _convert_lists(value: Any) -> Any:
    """Convert lists to the tuples that Keras's functions require."""
    return tuple(_convert_lists(item) for item in value) if isinstance(value, list) else value


def _convert_key(value: Any) -> Any:
    """Convert the key of `x[key]`, in which a slice is a text such as `1:-1`."""
    return tuple(_convert_index(item) for item in (value if isinstance(value, list) else [value]))


def _convert_index(value: Any) -> Any:
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
    made = find_operations(_find_masks(tensors), [*given, *_find_masks(given)])
    for i, operation in enumerate(made):
        operation.name = f"{name}.mask.{i}" if i else f"{name}.mask"


def _find_masks(tensors: Iterable[Any]) -> list[Any]:
    return [mask for mask in map(get_mask, tensors) if is_symbolic(mask)]


def find_operations(result: Any, given: Any) -> list[Any]:
    """Return the operations that compute some tensors from others, the last operation first."""
    known = {id(tensor) for tensor in keras.tree.flatten(given)}
    queue = keras.tree.flatten(result)
    found: dict[int, Any] = {}
    while queue:
        tensor = queue.pop(0)
        operation = get_operation(tensor)
        if id(tensor) in known or id(operation) in found:
            continue
        found[id(operation)] = operation
        queue += get_first_call(operation).input_tensors
    return list(found.values())


def _verify(operation: Any) -> None:
    """Compare what Keras stated for an operation with what TensorFlow computes.

    Raises:
        Refusal: Keras stated another shape or dtype, or TensorFlow cannot compute the operation.
            Without this check, only training would fail.
    """
    call = get_first_call(operation)
    result = trace(operation.call, *call.arguments.args, **call.arguments.kwargs)
    traced = keras.tree.flatten(result)
    if len(traced) != len(call.output_tensors):
        raise Refusal(
            f"Keras states {len(call.output_tensors)} tensors, but TensorFlow returns "
            f"{len(traced)}; this call cannot be part of a graph."
        )
    for stated, real in zip(call.output_tensors, traced, strict=True):
        if stated.dtype != real.dtype or not shapes_agree(stated.shape, real.shape):
            raise Refusal(
                f"Keras states {stated.dtype}{stated.shape}, but TensorFlow returns "
                f"{real.dtype}{real.shape}; this call cannot be part of a graph."
            )
