"""Traces a layer's call in TensorFlow if Keras does not check the inputs of the call."""

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

import keras

from compiler.catalogue.call_parameters import parameters_of_call
from compiler.keras_private import get_mask, is_image_layer, set_dtype
from compiler.model.guards.tracing import shapes_agree, trace
from compiler.model.keras_errors import catch_keras_errors
from compiler.model.layer_calls import Call
from compiler.model.refusals import Refusal
from compiler.model.scope import BuiltLayer
from domain.dtype import is_float
from domain.graph.shapes import format_shape

Training = Mapping[str, bool]

TRIAL_ROWS = 7919
"""The number of rows in a trace; it is prime, so that it differs from every other length."""
_SHAPES_UNCHECKED = frozenset(
    {
        "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D",
        "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D",
        "AdditiveAttention", "AlphaDropout", "Attention",
        "Discretization", "Dropout", "EinsumDense", "GaussianDropout", "GlobalAveragePooling1D",
        "GroupQueryAttention", "HashedCrossing",
        "MelSpectrogram", "MultiHeadAttention", "Rescaling", "RMSNormalization", "Softmax",
        "SpatialDropout1D", "UpSampling2D",
    }
)  # fmt: skip
"""Layers whose arguments Keras compares with the input's shape only when it computes."""
_UNROLLED_ROWS = frozenset({"RandomElasticTransform"})
"""Layers that unroll one step for each known row; they are traced with unknown rows."""
_AXES = re.compile(r"index out of range|values to unpack|out of bounds")
_SPATIAL = re.compile(r"(\d)D$")


def refuse_failing(layer: BuiltLayer, call: Call, results: Sequence[Any]) -> None:
    """Refuse a call that TensorFlow cannot compute.

    Keras's layers state the shapes of their results without checking dtypes, and some without
    checking shapes. Such calls are traced in TensorFlow, and the results get the dtypes of the
    trace.

    Args:
        layer: The layer, which has been called.
        call: Its call.
        results: The symbolic tensors that Keras stated for the call.

    Raises:
        Refusal: TensorFlow cannot compute the call, or Keras stated another shape.
    """
    if layer.outputs is not None:
        _set_dtypes(results, _find_outputs(layer.keras, layer.outputs))
    elif _is_traced(layer, call):
        _refuse_colours(layer, call)
        for training in _choose_trainings(layer, call):
            _compare(layer, call, training, results)


def _compare(layer: BuiltLayer, call: Call, training: Training, results: Sequence[Any]) -> None:
    """Trace a call, and compare its results with those that Keras stated."""
    given = ", ".join(f"{t.dtype} {format_shape(t.shape)}" for t in find_tensors(call))
    try:
        traced = keras.tree.flatten(_trace(layer, call, training))
    except Refusal as refusal:
        reason = _explain(layer, refusal)
        raise Refusal(f"{layer.type} does not take {given}: {reason}") from refusal
    if len(traced) != len(results):
        raise Refusal(f"{layer.type} does not take {given}: it returns {len(traced)} tensors.")
    _set_dtypes(results, traced)
    stated, real = results[0].shape, traced[0].shape
    # Further tensors are scores, for which Keras states wrong shapes. `RandomCrop` of Keras 3.15.1
    # crops in training only.
    if training.get("training", True) and not _agree_with_rows(stated, real):
        raise Refusal(
            f"{layer.type} with this config returns {_hide_rows(format_shape(real))} for {given}, "
            f"not {format_shape(stated)} as Keras states."
        )


def _set_dtypes(stated: Sequence[Any], real: Sequence[Any]) -> None:
    """Correct the stated dtypes: some layers state floats but return other dtypes."""
    for tensor, true in zip(stated, real, strict=True):
        set_dtype(tensor, true.dtype)


def _find_outputs(model: Any, names: Sequence[str]) -> list[Any]:
    """Return the outputs of a nested model in the order of its graph, not in Keras's order."""
    structure = model.output
    return [structure[name] for name in names] if isinstance(structure, dict) else [structure]


def _agree_with_rows(stated: Any, real: Any) -> bool:
    """Return whether the shapes agree and the result has one row for each row of the trace."""
    rows_stay = stated[:1] != (None,) or real[:1] in ((None,), (TRIAL_ROWS,))
    return rows_stay and shapes_agree(stated[1:], real[1:])


def _refuse_colours(layer: BuiltLayer, call: Call) -> None:
    """Refuse images for `AugMix` that are not gray or RGB: a trace may miss this random error."""
    shape = getattr(call.args[0], "shape", ())
    if layer.type == "AugMix" and len(shape) == 4:
        channels = shape[1 if layer.keras.data_format == "channels_first" else 3]
        if channels not in (1, 3):
            raise Refusal(f"AugMix takes images of 1 or 3 channels, not of {channels}.")


def _explain(layer: BuiltLayer, refusal: Refusal) -> str:
    """Return the reason of a refusal; name the axes if Keras failed because of their number."""
    if not _AXES.search(str(refusal.__cause__)):
        return _hide_rows(str(refusal))
    if _takes_images(layer.keras):
        return "it takes an image in each row: [null, height, width, channels]."
    axes = _SPATIAL.search(layer.type)
    if axes:
        return f"it takes {int(axes[1]) + 2} axes: rows, {axes[1]} of space, channels."
    return "the number of axes is wrong."


def _hide_rows(text: str) -> str:
    return text.replace(str(TRIAL_ROWS), "null")


def find_tensors(call: Call) -> list[Any]:
    """Return the tensors among a call's arguments."""
    flat = keras.tree.flatten([call.args, dict(call.kwargs)])
    return [item for item in flat if isinstance(item, keras.KerasTensor)]


def _is_traced(layer: BuiltLayer, call: Call) -> bool:
    by_keyword = keras.tree.flatten(dict(call.kwargs))
    dtypes: Set[str] = {tensor.dtype for tensor in find_tensors(call)}
    return (
        layer.type in _SHAPES_UNCHECKED
        or _takes_images(layer.keras)
        or not all(map(is_float, dtypes))
        or layer.keras.compute_dtype not in (None, "float32")
        or (layer.type == "Bidirectional" and _is_uneven(layer.keras, find_tensors(call)[0].shape))
        or not (layer.keras.autocast or dtypes <= {layer.keras.compute_dtype})
        or any(isinstance(value, keras.KerasTensor) for value in by_keyword)
    )


def _is_uneven(bidirectional: Any, shape: Any) -> bool:
    """Return whether the two layers return different shapes; Keras states only the first one's."""
    both = (bidirectional.forward_layer, bidirectional.backward_layer)
    with catch_keras_errors():
        one, other = (layer.compute_output_shape(shape) for layer in both)
    return bool(one[0] != other[0] if isinstance(one, list) else one != other)


def _takes_images(layer: Any) -> bool:
    if isinstance(layer, keras.layers.Pipeline):
        return any(map(_takes_images, layer.layers))
    if isinstance(layer, keras.layers.TimeDistributed):
        return _takes_images(layer.layer)
    return is_image_layer(layer)


def _choose_trainings(layer: BuiltLayer, call: Call) -> tuple[Training, ...]:
    """Return the values of `training` to trace with: the shape of images may depend on it."""
    if "training" in call.kwargs or "training" not in parameters_of_call(layer.keras):
        return ({},)
    if _takes_images(layer.keras):
        return ({"training": True}, {"training": False})
    return ({"training": True},)


def _trace(layer: BuiltLayer, call: Call, training: Training) -> Any:
    arguments = (call.args, {**training, **_find_mask(layer.keras, call), **call.kwargs})
    if layer.type not in _UNROLLED_ROWS:
        arguments = keras.tree.map_structure(_set_rows, arguments)
    args, kwargs = arguments
    return trace(layer.keras, *args, **kwargs)


def _find_mask(layer: Any, call: Call) -> Mapping[str, Any]:
    """Return the mask that Keras passes with the first argument, as a keyword argument."""
    mask = get_mask(call.args[0]) if call.args else None
    return {"mask": mask} if mask is not None and "mask" in parameters_of_call(layer) else {}


def _set_rows(value: Any) -> Any:
    """Return the same tensor with a known number of rows instead of an unknown one."""
    if isinstance(value, keras.KerasTensor) and value.shape[:1] == (None,):
        return keras.KerasTensor((TRIAL_ROWS, *value.shape[1:]), value.dtype)
    return value
