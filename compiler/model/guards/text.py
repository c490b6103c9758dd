"""Which layers and functions take text: Keras finds out when it trains."""

from collections.abc import Iterable
from typing import Any

import keras

from compiler.model.guards.trial import tensors_in
from compiler.model.layer_calls import Call
from compiler.model.scope import Made

_TEXT = "string"
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
"""The functions that text passes: they compare it, or put it elsewhere."""


def refuse_text(function: str, tensors: Iterable[Any]) -> None:
    """See that a function is given no text that it cannot handle.

    Raises:
        ValueError: it is.
    """
    if function not in _MOVE_TEXT and any(tensor.dtype == _TEXT for tensor in tensors):
        raise ValueError(f"'{function}' takes no text.")


def refuse_dtypes(made: Made, call: Call) -> None:
    """See that a layer is given text if it takes text, and numbers if it takes numbers.

    Raises:
        ValueError: it is given the other kind.
    """
    if made.inputs is not None:
        _refuse_other_kind(made, call)
        return
    dtypes = {tensor.dtype for tensor in tensors_in(call)}
    if _TEXT in dtypes and not _takes_text(made.keras):
        raise ValueError(f"{made.type} takes no text.")
    if made.type in _TAKE_ONLY_TEXT and dtypes != {_TEXT}:
        raise ValueError(f"{made.type} takes text, not {', '.join(sorted(dtypes - {_TEXT}))}.")


def _takes_text(layer: Any) -> bool:
    if isinstance(layer, keras.layers.TimeDistributed):
        return _takes_text(layer.layer)
    if isinstance(layer, keras.layers.Pipeline):
        return all(_takes_text(inner) for inner in layer.layers)
    if isinstance(layer, keras.Model):
        return any(tensor.dtype == _TEXT for tensor in layer.inputs)
    return type(layer).__name__ in _TAKE_TEXT


def _refuse_other_kind(made: Made, call: Call) -> None:
    """A graph casts what it is given to its inputs' dtypes; text and numbers cannot be."""
    for tensor, wanted in zip(tensors_in(call), made.keras.inputs, strict=True):
        if (tensor.dtype == _TEXT) != (wanted.dtype == _TEXT):
            raise ValueError(
                f"The input '{wanted.name}' of this graph is {wanted.dtype}, not {tensor.dtype}."
            )
