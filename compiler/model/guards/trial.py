"""Tries a layer's call in TensorFlow, where Keras states its result without a look at it."""

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

import keras

from compiler.catalogue.call_parameters import parameters_of_call
from compiler.keras_private import is_image_layer, mask_of, set_dtype
from compiler.model.guards.tracing import agree, traced
from compiler.model.keras_errors import plain
from compiler.model.layer_calls import Call
from compiler.model.scope import Made
from domain.graph.shapes import shown

Training = Mapping[str, bool]

MANY = 7919
"""A number of rows to try: prime, so that no other length is taken for it."""
_SHAPES_UNSEEN = frozenset(
    {
        "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D",
        "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D",
        "AdditiveAttention", "AlphaDropout", "Attention",
        "Dropout", "EinsumDense", "GaussianDropout", "GlobalAveragePooling1D",
        "GroupQueryAttention", "HashedCrossing",
        "MelSpectrogram", "MultiHeadAttention", "Rescaling", "RMSNormalization", "Softmax",
        "SpatialDropout1D", "UpSampling2D",
    }
)  # fmt: skip
"""The layers whose arguments Keras first holds against a shape when it computes."""
_A_STEP_A_ROW = frozenset({"RandomElasticTransform"})
"""Layers that, told the number of rows, write a step for each: these are left to wonder."""
_AXES = re.compile(r"index out of range|values to unpack|out of bounds")
_SPATIAL = re.compile(r"(\d)D$")


def refuse_failing(made: Made, call: Call, given: Sequence[Any]) -> None:
    """See that a layer, which has just been called, can compute with what it was given.

    Keras's layers state the shape of what they give without a look at dtypes. Where one is
    given anything but floats, and where Keras does not look at shapes either, TensorFlow is
    asked to put it into a graph once more. What it gives then is of the dtypes that it really has.

    Args:
        made: The layer.
        call: Its call.
        given: The tensors that Keras says it gives.

    Raises:
        ValueError: it cannot.
    """
    if made.outputs is not None:
        _retype(given, _outputs_of(made.keras, made.outputs))
        return
    if not _is_tried(made, call):
        return
    told = ", ".join(f"{t.dtype} {shown(t.shape)}" for t in tensors_in(call))
    _refuse_colours(made, call)
    for training in _trainings(made, call):
        try:
            result = _trace(made, call, training)
        except (IndexError, TypeError, ValueError) as error:
            raise ValueError(f"{made.type} does not take {told}: {_why(made, error)}") from error
        _retype(given, keras.tree.flatten(result))
        stated, real = given[0].shape, keras.tree.flatten(result)[0].shape
        # Further tensors are scores, whose shapes Keras mistakes; and `RandomCrop` of Keras 3.15.1
        # crops in training alone.
        if training.get("training", True) and not _agree_with_rows(stated, real):
            raise ValueError(
                f"{made.type} with this config gives {shown(real).replace(str(MANY), 'null')} for "
                f"{told}, not {shown(stated)}, which Keras takes it for."
            )


def _retype(stated: Sequence[Any], real: Sequence[Any]) -> None:
    """Some layers pass on tensors of any dtype, or give whole numbers, and state floats."""
    for tensor, true in zip(stated, real, strict=True):
        set_dtype(tensor, true.dtype)


def _outputs_of(model: Any, names: Sequence[str]) -> list[Any]:
    """The tensors that a nested model gives, in its graph's order, which is not Keras's."""
    structure = model.output
    return [structure[name] for name in names] if isinstance(structure, dict) else [structure]


def _agree_with_rows(stated: Any, real: Any) -> bool:
    """Whether the shapes are of one tensor, which has a row for each that was tried."""
    rows_stay = stated[:1] != (None,) or real[:1] in ((None,), (MANY,))
    return rows_stay and agree(stated[1:], real[1:])


def _refuse_colours(made: Made, call: Call) -> None:
    """Some of the changes that `AugMix` draws need colours: a single trial may not meet them."""
    if made.type == "AugMix" and len(shape := call.args[0].shape) == 4:
        channels = shape[1 if made.keras.data_format == "channels_first" else 3]
        if channels not in (1, 3):
            raise ValueError(f"AugMix takes pictures of 1 or 3 channels, not of {channels}.")


def _why(made: Made, error: Exception) -> str:
    """What is wrong, also where Keras finds it by falling over the number of axes."""
    if not _AXES.search(str(error)):
        return plain(error).replace(str(MANY), "null")
    if _is_of_pictures(made.keras):
        return "it takes a picture in each row: [null, height, width, channels]."
    axes = _SPATIAL.search(made.type)
    if axes:
        return f"it takes {int(axes[1]) + 2} axes: rows, {axes[1]} of space, channels."
    return "the number of axes is wrong."


def tensors_in(call: Call) -> list[Any]:
    """Every tensor that a layer is called with."""
    flat = keras.tree.flatten([call.args, dict(call.kwargs)])
    return [item for item in flat if isinstance(item, keras.KerasTensor)]


def _is_tried(made: Made, call: Call) -> bool:
    by_keyword = keras.tree.flatten(dict(call.kwargs))
    dtypes: Set[str] = {tensor.dtype for tensor in tensors_in(call)}
    return (
        made.type in _SHAPES_UNSEEN
        or _is_of_pictures(made.keras)
        or not all("float" in dtype for dtype in dtypes)
        or made.keras.compute_dtype not in (None, "float32")
        or (made.type == "Bidirectional" and _is_uneven(made.keras, tensors_in(call)[0].shape))
        or not (made.keras.autocast or dtypes <= {made.keras.compute_dtype})
        or any(isinstance(value, keras.KerasTensor) for value in by_keyword)
    )


def _is_uneven(bidirectional: Any, shape: Any) -> bool:
    """Whether its two layers give different shapes: Keras takes the first's for both's."""
    both = (bidirectional.forward_layer, bidirectional.backward_layer)
    one, other = (layer.compute_output_shape(shape) for layer in both)
    return bool(one[0] != other[0] if isinstance(one, list) else one != other)


def _is_of_pictures(layer: Any) -> bool:
    if isinstance(layer, keras.layers.Pipeline):
        return any(map(_is_of_pictures, layer.layers))
    if isinstance(layer, keras.layers.TimeDistributed):
        return _is_of_pictures(layer.layer)
    return is_image_layer(layer)


def _trainings(made: Made, call: Call) -> tuple[Training, ...]:
    """What to try for the argument `training`: pictures have other shapes without it."""
    if "training" in call.kwargs or "training" not in parameters_of_call(made.keras):
        return ({},)
    if _is_of_pictures(made.keras):
        return ({"training": True}, {"training": False})
    return ({"training": True},)


def _trace(made: Made, call: Call, training: Training) -> Any:
    arguments = (call.args, {**training, **_mask(made.keras, call), **call.kwargs})
    if made.type not in _A_STEP_A_ROW:
        arguments = keras.tree.map_structure(_with_rows, arguments)
    args, kwargs = arguments
    return traced(made.keras, *args, **kwargs)


def _mask(layer: Any, call: Call) -> Mapping[str, Any]:
    """The mask that Keras passes along with the first argument."""
    mask = mask_of(call.args[0]) if call.args else None
    return {"mask": mask} if mask is not None and "mask" in parameters_of_call(layer) else {}


def _with_rows(value: Any) -> Any:
    """The same tensor with a known number of rows, which fit no other axis by chance."""
    if isinstance(value, keras.KerasTensor) and value.shape[:1] == (None,):
        return keras.KerasTensor((MANY, *value.shape[1:]), value.dtype)
    return value
