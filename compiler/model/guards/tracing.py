"""Has TensorFlow put a call into a graph, and looks whether it could compute it.

Keras states the shape of most results by itself, and TensorFlow builds graphs that it has no
kernels for: either would be noticed by nobody before a model trains.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework import kernels

_ON_ANY_MACHINE = ("CPU", "DEFAULT")


class _Once(keras.Operation):
    """A function as Keras traces it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function

    def call(self, *args: Any, **kwargs: Any) -> Any:
        result = self._function(*args, **kwargs)
        graph = tf.compat.v1.get_default_graph()
        _refuse_without_kernel(graph)
        _refuse_wide_mirrors(graph)
        return result


def traced(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function gives, by TensorFlow's word.

    Args:
        function: Takes tensors, or anything else.
        *args: Keras's symbolic tensors, or anything else.
        **kwargs: The same.

    Returns:
        The result, each tensor a symbolic one.

    Raises:
        Exception: TensorFlow cannot; of nearly every type there is.
    """
    return _Once(function).compute_output_spec(*args, **kwargs)


def agree(one: Sequence[int | None], other: Sequence[int | None]) -> bool:
    """Whether two shapes may be of one tensor."""
    return len(one) == len(other) and all(
        None in (a, b) or a == b for a, b in zip(one, other, strict=True)
    )


def _refuse_without_kernel(graph: Any) -> None:
    """See that TensorFlow has a kernel for every operation of a graph and of its functions.

    Raises:
        TypeError: it has none for these dtypes.
    """
    for node in _nodes(graph.as_graph_def()):
        known = _kernels(node.op)
        if known and not any(_serves(kernel, node) for kernel in known):
            dtypes = sorted({tf.as_dtype(a.type).name for a in node.attr.values() if a.type})
            raise TypeError(f"TensorFlow has no {node.op} of {', '.join(dtypes)}.")


def _refuse_wide_mirrors(graph: Any) -> None:
    """See that no tensor is mirrored beyond its own length, which TensorFlow finds out late.

    Raises:
        ValueError: one is.
    """
    for operation in graph.get_operations():
        if operation.type == "MirrorPad":
            tensor, margins = operation.inputs[0], tf.get_static_value(operation.inputs[1])
            edge = 1 if operation.get_attr("mode") == b"REFLECT" else 0
            for length, ends in zip(tensor.shape, () if margins is None else margins, strict=False):
                if length is not None and max(ends) > length - edge:
                    raise ValueError(
                        f"An axis of {length} is mirrored by at most {length - edge}, not by "
                        f"{max(ends)}."
                    )


def _nodes(definition: Any) -> Iterator[Any]:
    bodies = (function.node_def for function in definition.library.function)
    return chain(definition.node, *bodies)


@cache
def _kernels(operation: str) -> list[Mapping[str, frozenset[int]]]:
    """Of each kernel the dtypes that it takes, by attribute."""
    return [
        {rule.name: frozenset(rule.allowed_values.list.type) for rule in kernel.constraint}
        for kernel in kernels.get_registered_kernels_for_op(operation).kernel
        if kernel.device_type in _ON_ANY_MACHINE
    ]


def _serves(kernel: Mapping[str, frozenset[int]], node: Any) -> bool:
    return all(
        _types(node.attr[name]) <= allowed for name, allowed in kernel.items() if name in node.attr
    )


def _types(attribute: Any) -> frozenset[int]:
    return frozenset({attribute.type} if attribute.type else attribute.list.type)
