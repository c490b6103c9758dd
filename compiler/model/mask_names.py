"""Names for the operations that Keras makes of its own accord, to pass masks along."""

from collections.abc import Iterable
from typing import Any

import keras

from compiler.model.layer_calls import Call
from compiler.model.op_calls import operations_between


def name_masks(name: str, call: Call, tensors: Iterable[Any]) -> None:
    """Name what computes the masks of a call's tensors as no node can be named.

    Keras's own names for it (`not_equal`, `any`, ...) may be those of the graph's nodes, and
    depend on how many models the process has made before.

    Args:
        name: Of the node.
        call: What its layer was called with.
        tensors: What the layer gave.
    """
    given = keras.tree.flatten((call.args, dict(call.kwargs)))
    made = operations_between(_masks(tensors), [*given, *_masks(given)])
    for i, operation in enumerate(made):
        operation.name = f"{name}.mask.{i}" if i else f"{name}.mask"


def _masks(tensors: Iterable[Any]) -> list[Any]:
    masks = [getattr(tensor, "_keras_mask", None) for tensor in tensors]
    return [mask for mask in masks if hasattr(mask, "_keras_history")]
