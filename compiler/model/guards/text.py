"""Refuses text where a layer or an operation takes numbers, and numbers where it takes text.

Keras fails on these only in training.
"""

from collections.abc import Iterable
from typing import Any

import keras

from compiler.model.guards.trial import find_tensors
from compiler.model.layer_calls import Call
from compiler.model.refusals import Refusal
from compiler.model.scope import BuiltLayer
from domain.dtype import TEXT

_LAYERS_OF_TEXT = """
    Concatenate Cropping1D Cropping2D Cropping3D Flatten HashedCrossing Hashing Identity Permute
    RepeatVector Reshape StringLookup TextVectorization UpSampling1D UpSampling3D
"""
_FUNCTIONS_OF_TEXT = """
    add append array array_split broadcast_to concatenate convert_to_tensor copy dsplit dstack
    equal expand_dims flip fliplr flipud get_item hsplit hstack moveaxis not_equal ravel rearrange
    repeat reshape roll rot90 slice split squeeze stack swapaxes take take_along_axis tile
    transpose unstack vsplit vstack
"""
_TAKE_TEXT = frozenset(_LAYERS_OF_TEXT.split())
_TAKE_ONLY_TEXT = frozenset({"StringLookup", "TextVectorization"})
_MOVE_TEXT = frozenset(_FUNCTIONS_OF_TEXT.split())
"""The operations that take text, because they only compare or move it."""


def refuse_text(operation: str, tensors: Iterable[Any]) -> None:
    """Refuse text for an operation that takes only numbers.

    Raises:
        Refusal: A tensor is text, and the operation does not take text.
    """
    if operation not in _MOVE_TEXT and any(tensor.dtype == TEXT for tensor in tensors):
        raise Refusal(f"'{operation}' takes no text.")


def refuse_dtypes(layer: BuiltLayer, call: Call) -> None:
    """Refuse text for a layer that takes only numbers, and numbers for a layer of text.

    Raises:
        Refusal: The layer does not take the dtype of a tensor.
    """
    if layer.inputs is not None:
        _refuse_other_kind(layer, call)
        return
    dtypes = {tensor.dtype for tensor in find_tensors(call)}
    if TEXT in dtypes and not _takes_text(layer.keras):
        raise Refusal(f"{layer.type} takes no text.")
    if layer.type in _TAKE_ONLY_TEXT and dtypes != {TEXT}:
        raise Refusal(f"{layer.type} takes text, not {', '.join(sorted(dtypes - {TEXT}))}.")


def _takes_text(layer: Any) -> bool:
    if isinstance(layer, keras.layers.TimeDistributed):
        return _takes_text(layer.layer)
    if isinstance(layer, keras.layers.Pipeline):
        return all(_takes_text(inner) for inner in layer.layers)
    if isinstance(layer, keras.Model):
        return any(tensor.dtype == TEXT for tensor in layer.inputs)
    return type(layer).__name__ in _TAKE_TEXT


def _refuse_other_kind(layer: BuiltLayer, call: Call) -> None:
    """Refuse text for a numeric input of a nested graph, and numbers for an input of text."""
    for tensor, wanted in zip(find_tensors(call), layer.keras.inputs, strict=True):
        if (tensor.dtype == TEXT) != (wanted.dtype == TEXT):
            raise Refusal(
                f"The input '{wanted.name}' of this graph is {wanted.dtype}, not {tensor.dtype}."
            )
