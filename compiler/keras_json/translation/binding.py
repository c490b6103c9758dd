"""The arguments of a call, sorted into tensors and constants."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import keras

from compiler.keras_json.parsing.calls import Call, Given, Tensor, tensors_in
from compiler.keras_json.parsing.document import refused
from compiler.model.rnn_states import ARGUMENTS as STATES
from domain.errors import did_you_mean

_OF_EVERY_CALL = ("training", "mask")


class Bound(NamedTuple):
    """The arguments of a call by name."""

    tensors: dict[str, Given]
    """Of each a tensor or a list of tensors."""
    constants: dict[str, Given]


def bound(call: Call, parameters: Mapping[str, inspect.Parameter], lists_states: bool) -> Bound:
    """The arguments of a layer's call.

    Args:
        call: As Keras's JSON has it.
        parameters: Of the layer's `call`, in order.
        lists_states: In Keras 2, the first argument is a list of the sequences and the states.

    Raises:
        Invalid: an argument holds what no node of a graph can say.
    """
    given = call.bound(list(parameters))
    if not call.is_legacy:  # Keras 2 wrote down what was given to the call of any layer
        refuse_unknown(given, parameters)
    first = next(iter(given), None)
    listed = given[first].value if first and call.is_legacy and lists_states else None
    if first and isinstance(listed, list) and listed:
        sequences, *states = listed
        given = {**given, "initial_state": Given(states, given[first].place)}
        given[first] = Given(sequences, given[first].place)
    tensors: dict[str, Given] = {}
    constants: dict[str, Given] = {}
    for name, item in given.items():
        if any(True for _ in tensors_in(item.value)):
            if name != "mask" or not is_implied(item.value):
                tensors[name] = flat(name, item)
        elif (call.is_constant and name == "training") or not _goes_unsaid(
            item.value, parameters.get(name)
        ):
            constants[name] = item
    return Bound(tensors, constants)


def refuse_unknown(given: Mapping[str, Given], parameters: Iterable[str]) -> None:
    """See that every argument is one of those that a call takes.

    Raises:
        Invalid: one is not, even if it is null.
    """
    known = {*parameters, *_OF_EVERY_CALL}
    for name, item in given.items():
        if name not in known:
            detail = f"This call takes no argument '{name}'.{did_you_mean(name, known)}"
            raise refused(item.place, detail)


def is_implied(value: Any) -> bool:
    """A mask that some of a list's tensors lack: Keras itself wrote it down, and does again."""
    return isinstance(value, list) and None in value


def flat(name: str, given: Given) -> Given:
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
    raise refused(given.place, detail)


def _goes_unsaid(value: Any, parameter: inspect.Parameter | None) -> bool:
    if value is None:
        return True
    default = parameter.default if parameter else inspect.Parameter.empty
    return isinstance(value, bool) and value is default
