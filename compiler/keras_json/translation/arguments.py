"""Binds the arguments of a call, and separates tensors from constants."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import keras

from compiler.keras_json.parsing.document import invalid_at
from compiler.keras_json.parsing.parsed_model import Call, CallArgument, Tensor, tensors_in
from compiler.model.rnn_states import ARGUMENTS as STATES
from domain.errors import did_you_mean

_COMMON_PARAMETERS = ("training", "mask")


class BoundArguments(NamedTuple):
    """The arguments of one call, by parameter name."""

    tensors: dict[str, CallArgument]
    """The arguments whose value is a tensor or a list of tensors."""
    constants: dict[str, CallArgument]
    """The arguments without tensors whose value is not the default."""


def bind_layer_call(
    call: Call, parameters: Mapping[str, inspect.Parameter], lists_states: bool
) -> BoundArguments:
    """Return the arguments of a call of a layer.

    Args:
        call: The parsed call.
        parameters: The parameters of the layer's `call`, in order.
        lists_states: In Keras 2, the first argument is a list of the sequences and the states.

    Raises:
        Invalid: A node of a graph cannot express an argument.
    """
    given = call.bind(list(parameters))
    if not call.is_keras_2:  # Keras 2 writes unknown arguments, too
        check_argument_names(given, parameters)
    first = next(iter(given), None)
    listed = given[first].value if first and call.is_keras_2 and lists_states else None
    if first and isinstance(listed, list) and listed:
        sequences, *states = listed
        given = {**given, "initial_state": CallArgument(states, given[first].place)}
        given[first] = CallArgument(sequences, given[first].place)
    tensors: dict[str, CallArgument] = {}
    constants: dict[str, CallArgument] = {}
    for name, item in given.items():
        if any(True for _ in tensors_in(item.value)):
            if name != "mask" or not is_automatic_mask(item.value):
                tensors[name] = flatten_tensors(name, item)
        elif (call.has_fixed_training and name == "training") or not _is_default(
            item.value, parameters.get(name)
        ):
            constants[name] = item
    return BoundArguments(tensors, constants)


def check_argument_names(given: Mapping[str, CallArgument], parameters: Iterable[str]) -> None:
    """Check that a call accepts every argument, also those that are null.

    Raises:
        Invalid: An argument has an unknown name.
    """
    known = {*parameters, *_COMMON_PARAMETERS}
    for name, item in given.items():
        if name not in known:
            detail = f"This call has no argument '{name}'.{did_you_mean(name, known)}"
            raise invalid_at(item.place, detail)


def is_automatic_mask(value: Any) -> bool:
    """Whether Keras adds this `mask` argument by itself: a list of masks that has gaps."""
    return isinstance(value, list) and None in value


def flatten_tensors(name: str, given: CallArgument) -> CallArgument:
    """Return the argument; nested lists of recurrent states become one list.

    Raises:
        Invalid: The value is neither a tensor nor a list of tensors.
    """
    value = given.value
    if isinstance(value, list) and name in STATES:  # Keras nests the states of stacked cells
        value = keras.tree.flatten(value)
    if isinstance(value, Tensor) or (
        isinstance(value, list) and all(isinstance(item, Tensor) for item in value)
    ):
        return given._replace(value=value)
    detail = f"'{name}' must be a tensor or a list of tensors without constants."
    raise invalid_at(given.place, detail)


def _is_default(value: Any, parameter: inspect.Parameter | None) -> bool:
    if value is None:
        return True
    default = parameter.default if parameter else inspect.Parameter.empty
    return isinstance(value, bool) and value is default
