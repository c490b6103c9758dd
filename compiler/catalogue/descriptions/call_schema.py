"""Describes the arguments of layers' calls: tensors and flags."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from compiler.catalogue.call_parameters import is_flag, parameters_of_call
from compiler.catalogue.descriptions.docstrings import describe_call_arguments
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
"""The arguments that take a list, by class or base class: the minimum and maximum of items."""
_INPUT = "What the layer is applied to."
_DEFAULTS = {
    **dict.fromkeys(("inputs", "data", "sequences", "x"), _INPUT),
    **dict.fromkeys(
        ("mask", "query_mask", "value_mask", "key_mask"),
        "A boolean tensor: false where the layer ignores its input.",
    ),
    "states": "The states of the previous step, of each cell in turn.",
    "training": "Whether the layer acts as in training. Default: as the model is run.",
    "initial_state": "The states to start with, in the order in which the layer returns them. "
    "Default: zeros.",
    "return_attention_scores": "Whether the attention scores are returned as a second tensor.",
}


def describe_call(cls: Any) -> list[CallArgument]:
    """Describe the arguments of a layer's call, in order."""
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
        description=describe_call_arguments(cls).get(name) or _DEFAULTS[name],
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
    """The schema of a flag.

    `training` has no default: in a graph it is the `training` of the whole model.
    """
    flag: Schema = {"type": "boolean"}
    return flag if parameter.name == "training" else flag | {"default": parameter.default}
