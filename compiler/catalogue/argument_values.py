"""The JSON values that an argument takes.

They are looked up by class and name, then by name, then by the type of the default.
"""

import re
from functools import cache
from typing import Any

from compiler.catalogue.arguments import Argument
from compiler.catalogue.kinds import keras_kinds
from compiler.catalogue.kinds.keras_kinds import Kind, or_null
from compiler.catalogue.kinds.layer_kinds import BY_CLASS, BY_NAME, BY_RANK
from compiler.keras_private import is_defined_in

_RANK = re.compile(r"([123])D(Transpose)?$")
_FREE_OF_WEIGHTS = ("reshaping", "merging", "preprocessing")
"""Folders of Keras's source whose layers have no weights."""


@cache
def kind_of(argument: Argument) -> Kind:
    """The kind of values that an argument takes; it includes null if that is Keras's default."""
    kind = _own_kind(argument) or _kind_by_default(argument.default)
    return or_null(kind) if argument.default is None else kind


def explain_misfit(argument: Argument, value: Any) -> str | None:
    """Explain why a value is not valid for an argument; None if it is."""
    kind = kind_of(argument)
    return None if kind.accepts(value) else f"'{argument.name}' must be {kind.wanted}."


def read(argument: Argument, value: Any) -> Any:
    """Convert a valid value to what Keras takes."""
    return kind_of(argument).read(value)


def _own_kind(argument: Argument) -> Kind | None:
    if isinstance(argument.default, bool):
        return keras_kinds.FLAG
    owner = argument.owner.__name__ if argument.owner else ""
    exact = BY_CLASS.get((owner, argument.name))
    if exact is None and argument.name in BY_RANK and (rank := _RANK.search(owner)):
        return BY_RANK[argument.name](int(rank[1]))
    if exact is None and argument.name == "dtype" and _is_free_of_weights(argument.owner):
        return keras_kinds.NUMBER_DTYPE
    return exact or BY_NAME.get(argument.name)


def _is_free_of_weights(owner: type | None) -> bool:
    """Whether a class also computes in integers, which initializers and gradients cannot."""
    return owner is not None and any(is_defined_in(owner, f) for f in _FREE_OF_WEIGHTS)


def _kind_by_default(default: Any) -> Kind:
    if isinstance(default, str):
        return keras_kinds.TEXT
    if isinstance(default, int):
        return keras_kinds.WHOLE
    if isinstance(default, float):
        return keras_kinds.NUMBER
    return keras_kinds.RANGE if isinstance(default, tuple) else keras_kinds.PLAIN
