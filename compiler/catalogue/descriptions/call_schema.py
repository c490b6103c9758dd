"""What each argument of a layer's call takes: tensors of the graph, or true or false."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from compiler.catalogue.call_parameters import is_flag, parameters_of_call
from compiler.catalogue.descriptions.docstrings import call_arguments_said
from compiler.keras_private import ConvLSTM, CustomScaleLayer, MergeLayer
from domain.catalogue import CallArgument

Schema = dict[str, Any]
_REFERENCE: Schema = {"type": "string", "pattern": "^[^:]+(:[^:]+)?$"}
_LISTS: Mapping[tuple[Any, str], tuple[int, int | None]] = {
    (keras.layers.Dot, "inputs"): (2, 2),
    (keras.layers.Subtract, "inputs"): (2, 2),
    (MergeLayer, "inputs"): (1, None),
    (keras.layers.Attention, "inputs"): (2, 3),
    (keras.layers.Attention, "mask"): (2, 3),
    (keras.layers.HashedCrossing, "inputs"): (2, 2),
    (CustomScaleLayer, "inputs"): (2, None),
    (keras.layers.RNN, "initial_state"): (1, None),
    (keras.layers.LSTM, "initial_state"): (2, 2),
    (ConvLSTM, "initial_state"): (2, 2),
    (keras.layers.Bidirectional, "initial_state"): (2, None),
    (keras.layers.LSTMCell, "states"): (2, 2),
    (keras.layers.StackedRNNCells, "states"): (1, None),
}
"""The arguments that take a list, by the class or its base: at least and at most how many."""
_INPUT = "What the layer is applied to."
_UNSAID = {
    **dict.fromkeys(("inputs", "data", "sequences", "x"), _INPUT),
    **dict.fromkeys(
        ("mask", "query_mask", "value_mask", "key_mask"),
        "A boolean tensor: false where the layer passes over its input.",
    ),
    "states": "The states of the step before, of each cell in turn.",
    "training": "Whether the layer acts as in training. Left out: as the model is being run.",
    "initial_state": "The states to begin with, in the order in which the layer gives them. "
    "Left out: zeros.",
    "return_attention_scores": "Whether the attention scores are given as a second tensor.",
}


def call_arguments(cls: Any) -> list[CallArgument]:
    """Every argument of a layer's call, in order, with a JSON Schema of what stands for it."""
    return [_described(cls, parameter) for parameter in parameters_of_call(cls).values()]


def _described(cls: Any, parameter: inspect.Parameter) -> CallArgument:
    name = parameter.name
    flag, bounds = is_flag(parameter), _bounds(cls, name)
    return CallArgument(
        name=name,
        required=parameter.default is parameter.empty,
        field="call" if flag else "inputs",
        takes="flag" if flag else "tensor" if bounds is None else "tensors",
        value_schema=_flag(parameter) if flag else _references(bounds),
        description=call_arguments_said(cls).get(name) or _UNSAID[name],
    )


def _bounds(cls: Any, argument: str) -> tuple[int, int | None] | None:
    found = (_LISTS[base, argument] for base in cls.__mro__ if (base, argument) in _LISTS)
    return next(found, None)


def _references(bounds: tuple[int, int | None] | None) -> Schema:
    if bounds is None:
        return _REFERENCE
    least, most = bounds
    schema: Schema = {"type": "array", "items": _REFERENCE, "minItems": least}
    return schema if most is None else schema | {"maxItems": most}


def _flag(parameter: inspect.Parameter) -> Schema:
    """Keras's own default of `training` is of no effect in a graph: how it is run decides."""
    flag: Schema = {"type": "boolean"}
    return flag if parameter.name == "training" else flag | {"default": parameter.default}
