"""Which tensors a layer or a function takes by their dtype: Keras finds out when it trains."""

from collections.abc import Iterable, Set
from typing import Any

import keras

from compiler.calls import Call, parameters_of_call
from compiler.messages import plain
from compiler.scope import Made

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
_SHAPES_UNSEEN = frozenset(
    {
        "Dropout", "GaussianDropout", "GroupQueryAttention", "HashedCrossing",
        "MultiHeadAttention", "Rescaling", "RMSNormalization", "Softmax", "SpatialDropout1D",
    }
)  # fmt: skip
"""The layers whose arguments Keras first holds against a shape when it computes."""
_PICTURES = "keras.src.layers.preprocessing.image_preprocessing."


class _Again(keras.Operation):
    """One more call of a layer."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self._layer = layer

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self._layer(*args, **kwargs)


def refuse_text(function: str, tensors: Iterable[Any]) -> None:
    """See that a function is given no text that it cannot handle.

    Raises:
        ValueError: it is.
    """
    if function not in _MOVE_TEXT and any(tensor.dtype == _TEXT for tensor in tensors):
        raise ValueError(f"'{function}' takes no text.")


def refuse_dtypes(made: Made, call: Call) -> None:
    """See that a layer, which has just been called, can compute with what it was given.

    Keras's layers state the shape of what they give without a look at dtypes. Where one is
    given anything but floats, and where Keras does not look at shapes either, TensorFlow is
    asked to put it into a graph once more.

    Raises:
        ValueError: it cannot.
    """
    if made.inputs is not None:
        _refuse_other_kind(made, call)
        return
    dtypes = {tensor.dtype for tensor in _tensors(call)}
    if _TEXT in dtypes and not _takes_text(made.keras):
        raise ValueError(f"{made.type} takes no text.")
    if made.type in _TAKE_ONLY_TEXT and dtypes != {_TEXT}:
        raise ValueError(f"{made.type} takes text, not {', '.join(sorted(dtypes - {_TEXT}))}.")
    if _is_tried(made, call, dtypes):
        try:
            _trace(made.keras, call)
        except (IndexError, TypeError, ValueError) as error:
            given = ", ".join(f"{t.dtype}{list(t.shape)}" for t in _tensors(call))
            raise ValueError(f"{made.type} does not take {given}: {plain(error)}") from error


def _is_tried(made: Made, call: Call, dtypes: Set[str]) -> bool:
    by_keyword = keras.tree.flatten(dict(call.kwargs))
    return (
        made.type in _SHAPES_UNSEEN
        or type(made.keras).__module__.startswith(_PICTURES)
        or not all("float" in dtype for dtype in dtypes)
        or any(isinstance(value, keras.KerasTensor) for value in by_keyword)
    )


def _trace(layer: Any, call: Call) -> None:
    training = {"training": True} if "training" in parameters_of_call(layer) else {}
    _Again(layer).compute_output_spec(*call.args, **{**training, **call.kwargs})


def _tensors(call: Call) -> list[Any]:
    flat = keras.tree.flatten([call.args, dict(call.kwargs)])
    return [item for item in flat if isinstance(item, keras.KerasTensor)]


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
    for tensor, wanted in zip(_tensors(call), made.keras.inputs, strict=True):
        if (tensor.dtype == _TEXT) != (wanted.dtype == _TEXT):
            raise ValueError(
                f"The input '{wanted.name}' of this graph is {wanted.dtype}, not {tensor.dtype}."
            )
