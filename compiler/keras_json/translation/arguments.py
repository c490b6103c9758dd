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
    """The arguments of a call by name."""

    tensors: dict[str, CallArgument]
    """Of each a tensor or a list of tensors."""
    constants: dict[str, CallArgument]


def bound(
    call: Call, parameters: Mapping[str, inspect.Parameter], lists_states: bool
) -> BoundArguments:
    """The arguments of a layer's call.

    Args:
        call: As Keras's JSON has it.
        parameters: Of the layer's `call`, in order.
        lists_states: In Keras 2, the first argument is a list of the sequences and the states.

    Raises:
        Invalid: an argument holds what no node of a graph can say.
    """
    given = call.bind(list(parameters))
    if not call.is_keras_2:  # Keras 2 wrote down what was given to the call of any layer
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
                tensors[name] = flat(name, item)
        elif (call.has_fixed_training and name == "training") or not _is_default(
            item.value, parameters.get(name)
        ):
            constants[name] = item
    return BoundArguments(tensors, constants)


def check_argument_names(given: Mapping[str, CallArgument], parameters: Iterable[str]) -> None:
    """See that every argument is one of those that a call takes.

    Raises:
        Invalid: one is not, even if it is null.
    """
    known = {*parameters, *_COMMON_PARAMETERS}
    for name, item in given.items():
        if name not in known:
            detail = f"This call takes no argument '{name}'.{did_you_mean(name, known)}"
            raise invalid_at(item.place, detail)


def is_automatic_mask(value: Any) -> bool:
    """A mask that some of a list's tensors lack: Keras itself wrote it down, and does again."""
    return isinstance(value, list) and None in value


def flat(name: str, given: CallArgument) -> CallArgument:
    """The argument itself.

    Raises:
        Invalid: it is neither a tensor nor a list of nothing but tensors.
    """
    value = given.value
    if isinstance(value, list) and name in STATES:  # Keras nests those of stacked cells
        value = keras.tree.flatten(value)
    if isinstance(value, Tensor) or (
        isinstance(value, list) and all(isinstance(item, Tensor) for item in value)
    ):
        return given._replace(value=value)
    detail = f"'{name}' must be a tensor or a list of tensors, without constants among them."
    raise invalid_at(given.place, detail)


def _is_default(value: Any, parameter: inspect.Parameter | None) -> bool:
    if value is None:
        return True
    default = parameter.default if parameter else inspect.Parameter.empty
    return isinstance(value, bool) and value is default
