"""Finds the nodes of a TensorFlow graph whose results are positive for all finite arguments.

Normalizations add a small number to a variance before they divide by its root. So they give neither
NaN nor infinities.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

_NOT_NEGATIVE = frozenset({"Abs", "Exp", "Relu", "Relu6", "Sigmoid", "Square", "SquaredDifference"})
_KEEP_SIGN = frozenset(
    {
        "BroadcastTo", "ExpandDims", "Identity", "Max", "Mean", "Min", "Reshape", "Sqrt", "Squeeze",
        "StopGradient", "Sum", "Tile", "Transpose",
    }
)  # fmt: skip
"""Operations of values that are not negative whose results are not negative either."""


def find_positive(nodes: Sequence[Any]) -> frozenset[str]:
    """Return the names of the nodes that add a positive constant, or whose minimum is one.

    Args:
        nodes: The nodes of a graph or of one of its functions.
    """
    by_name = {node.name: node for node in nodes}
    return frozenset(node.name for node in nodes if _is_positive(node, by_name))


def _is_positive(node: Any, by_name: Mapping[str, Any]) -> bool:
    if node.op not in ("AddV2", "Maximum"):
        return False
    one, other = (_find_node(text, by_name) for text in node.input[:2])
    if node.op == "Maximum":
        return _is_positive_constant(one) or _is_positive_constant(other)
    return (_is_positive_constant(one) and _is_not_negative(other, by_name)) or (
        _is_positive_constant(other) and _is_not_negative(one, by_name)
    )


def _is_not_negative(node: Any, by_name: Mapping[str, Any]) -> bool:
    while node is not None and node.op in _KEEP_SIGN:
        node = _find_node(node.input[0], by_name)
    return node is not None and (node.op in _NOT_NEGATIVE or _is_positive(node, by_name))


def _find_node(text: str, by_name: Mapping[str, Any]) -> Any:
    """Return the node that computes an input, or None if it is an argument of a function."""
    return by_name.get(text.split(":", maxsplit=1)[0])


def _is_positive_constant(node: Any) -> bool:
    return (
        node is not None
        and node.op == "Const"
        and node.attr["dtype"].type == tf.float32.as_datatype_enum
        and bool((tf.make_ndarray(node.attr["value"].tensor) > 0).all())
    )
