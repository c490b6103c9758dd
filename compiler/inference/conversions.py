"""Conversions of TensorFlow operations to ONNX that replace those of tf2onnx.

tf2onnx's own conversions are exact for usual values only:

- onnxruntime's `Sigmoid` is 0 below -18, and its relative error is large below -9. The logarithm of
  such a probability is wrong. `Exp` and `Reciprocal` have no such error.
- tf2onnx adds both branches of a `SelectV2`, multiplied by 0 and 1. NaN and infinities of the
  branch that is not chosen make NaN.
"""

from functools import cache
from typing import Any

import numpy as np
from tf2onnx.handler import tf_op
from tf2onnx.utils import make_name, map_onnx_to_numpy_type


@cache
def register_conversions() -> None:
    """Register the conversions in this process; later calls do nothing."""
    tf_op("Sigmoid")(_Sigmoid)
    tf_op("SelectV2")(_Select)


class _Sigmoid:
    """Converts `Sigmoid` to 1 / (1 + exp(-x))."""

    @classmethod
    def version_15(cls, graph: Any, node: Any, **_: Any) -> None:
        name, made = node.name, {"shapes": node.output_shapes, "dtypes": node.output_dtypes}
        (source,), outputs = node.input, node.output
        dtype = map_onnx_to_numpy_type(graph.get_dtype(source))
        one = graph.make_const(make_name(name), np.array(1, dtype)).output[0]
        graph.remove_node(name)
        negative = graph.make_node("Neg", [source], **made)
        power = graph.make_node("Exp", negative.output, **made)
        total = graph.make_node("Add", [one, power.output[0]], **made)
        graph.make_node("Reciprocal", total.output, name=name, outputs=outputs, **made)


class _Select:
    """Converts `SelectV2` to `Where`."""

    @classmethod
    def version_15(cls, graph: Any, node: Any, **_: Any) -> None:
        node.type = "Where"
