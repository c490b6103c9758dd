"""Traces a call in a TensorFlow graph, and refuses what TensorFlow cannot compute.

Keras states the shapes of most results itself, and TensorFlow builds graphs for which it has no
kernels. Without a trace, both errors would appear only in training.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework import kernels

from compiler.model.keras_errors import catch_keras_errors
from compiler.model.refusals import Refusal

_ANY_MACHINE = ("CPU", "DEFAULT")
"""The device types that every machine has."""


class _Recorder(keras.Operation):
    """Calls a function, and lists the TensorFlow graphs in which Keras traces it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function
        self.graphs: list[Any] = []

    def call(self, *args: Any, **kwargs: Any) -> Any:
        self.graphs.append(tf.compat.v1.get_default_graph())
        return self._function(*args, **kwargs)


def trace(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Trace a function in TensorFlow.

    Args:
        function: A layer, an operation or a plain function.
        *args: Keras's symbolic tensors, or any other values.
        **kwargs: Keras's symbolic tensors, or any other values.

    Returns:
        The function's result, with symbolic tensors.

    Raises:
        Refusal: TensorFlow cannot trace or compute the call. If Keras or TensorFlow raised an
            exception, it is the cause.
    """
    recorder = _Recorder(function)
    with catch_keras_errors():
        result = recorder.compute_output_spec(*args, **kwargs)
    for graph in recorder.graphs:
        _refuse_missing_kernels(graph)
        _refuse_wide_mirrors(graph)
    return result


def shapes_agree(one: Sequence[int | None], other: Sequence[int | None]) -> bool:
    """Return whether two shapes can be the shape of one tensor."""
    return len(one) == len(other) and all(
        None in (a, b) or a == b for a, b in zip(one, other, strict=True)
    )


def _refuse_missing_kernels(graph: Any) -> None:
    """Refuse operations for which TensorFlow has no kernel, including those in functions."""
    for node in _walk_nodes(graph.as_graph_def()):
        known = _find_kernels(node.op)
        if known and not any(_fits(kernel, node) for kernel in known):
            dtypes = sorted({tf.as_dtype(a.type).name for a in node.attr.values() if a.type})
            raise Refusal(f"TensorFlow has no {node.op} of {', '.join(dtypes)}.")


def _refuse_wide_mirrors(graph: Any) -> None:
    """Refuse to mirror an axis beyond its own length: TensorFlow detects this only at run time."""
    for operation in graph.get_operations():
        if operation.type == "MirrorPad":
            tensor, margins = operation.inputs[0], tf.get_static_value(operation.inputs[1])
            edge = 1 if operation.get_attr("mode") == b"REFLECT" else 0
            for length, ends in zip(tensor.shape, () if margins is None else margins, strict=False):
                if length is not None and max(ends) > length - edge:
                    raise Refusal(
                        f"An axis of length {length} can be mirrored by at most "
                        f"{length - edge}, not by {max(ends)}."
                    )


def _walk_nodes(definition: Any) -> Iterator[Any]:
    bodies = (function.node_def for function in definition.library.function)
    return chain(definition.node, *bodies)


@cache
def _find_kernels(operation: str) -> list[Mapping[str, frozenset[int]]]:
    """Return the dtypes that each kernel of an operation takes, by attribute."""
    return [
        {rule.name: frozenset(rule.allowed_values.list.type) for rule in kernel.constraint}
        for kernel in kernels.get_registered_kernels_for_op(operation).kernel
        if kernel.device_type in _ANY_MACHINE
    ]


def _fits(kernel: Mapping[str, frozenset[int]], node: Any) -> bool:
    return all(
        _read_types(node.attr[name]) <= allowed
        for name, allowed in kernel.items()
        if name in node.attr
    )


def _read_types(attribute: Any) -> frozenset[int]:
    return frozenset({attribute.type} if attribute.type else attribute.list.type)
