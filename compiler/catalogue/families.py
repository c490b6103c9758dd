"""Families of components that layers take as arguments: activations, initializers and others."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import keras

from compiler.catalogue.arguments import arguments_of
from compiler.catalogue.configs import Component, explain_misuse, find_config_faults, read_config
from domain.catalogue import describe_unknown
from domain.errors import Fault
from domain.graph.walk import Place
from domain.json.pointer import pointer

_HELPERS = frozenset({"get", "serialize", "deserialize"})
_NO_ACTIVATIONS: Mapping[str, str] = {
    "glu": "It halves the last axis, which a layer that takes an activation does not expect; call "
    "the function `glu` in a node.",
    "threshold": "It needs two numbers, which an activation cannot be given; call the function "
    "`threshold` in a node.",
}
_ABSTRACT = "It is abstract; one of your own would run code of the client's, which is never done."


@dataclass(frozen=True)
class Family:
    """The members of one Keras module that a request may name."""

    noun: str
    known: Mapping[str, Any]
    left_out: Mapping[str, str]
    """The other members of the module, and why no request may use them."""

    def faults(self, value: Any, place: Place) -> Iterator[Fault]:
        """Find the faults of a JSON value that should be a member of this family."""
        if value is None:
            return
        reason = self._explain_misfit(value)
        if reason:
            yield Fault(pointer=pointer(*place), detail=reason)
        elif isinstance(value, dict):
            component = Component.of(value)
            member = self.known[component.type]
            if inspect.isclass(member):
                yield from find_config_faults(member, component.config, (*place, "config"))
            elif component.config:
                detail = f"The {self.noun} '{component.type}' takes no config."
                yield Fault(pointer=pointer(*place, "config"), detail=detail)

    def _explain_misfit(self, value: Any) -> str | None:
        if isinstance(value, dict):
            wrong = explain_misuse(value, self.noun)
            name = Component.of(value).type
        else:
            wrong = None if isinstance(value, str) else explain_misuse({}, self.noun)
            name = value
        if wrong or name in self.known:
            return wrong
        return describe_unknown(self.noun, name, self.known, self.left_out)

    def resolve(self, value: Any) -> Any:
        """Convert a JSON value to what Keras's constructor takes: a name, an object or None.

        The name of a member that draws a seed stays a name, so that Keras draws seeds in the same
        order as in a script.
        """
        if value is None:
            return None
        component = Component.of(value) if isinstance(value, dict) else Component(value, {})
        member = self.known[component.type]
        if isinstance(member, type) and not (
            isinstance(value, str) and "seed" in arguments_of(member)
        ):
            return member(**read_config(member, component.config))
        return member.__name__


def _classes(module: ModuleType, base: type, **aliases: type) -> dict[str, Any]:
    members = inspect.getmembers(module, inspect.isclass)
    return {n: c for n, c in members if issubclass(c, base) and c is not base} | aliases


def _functions(module: ModuleType) -> dict[str, Any]:
    functions = inspect.getmembers(module, inspect.isfunction)
    left_out = {*_HELPERS, *_NO_ACTIVATIONS}
    return {name: function for name, function in functions if name not in left_out}


ACTIVATIONS = Family("activation", _functions(keras.activations), _NO_ACTIVATIONS)
INITIALIZERS = Family(
    "initializer",
    _classes(
        keras.initializers,
        keras.initializers.Initializer,
        normal=keras.initializers.RandomNormal,
        uniform=keras.initializers.RandomUniform,
        one=keras.initializers.Ones,
        zero=keras.initializers.Zeros,
    ),
    {"Initializer": _ABSTRACT},
)
REGULARIZERS = Family(
    "regularizer",
    _classes(keras.regularizers, keras.regularizers.Regularizer),
    {"Regularizer": _ABSTRACT},
)
CONSTRAINTS = Family(
    "constraint",
    _classes(keras.constraints, keras.constraints.Constraint),
    {"Constraint": _ABSTRACT},
)


FAMILIES = (ACTIVATIONS, INITIALIZERS, REGULARIZERS, CONSTRAINTS)


def family_of(argument: str) -> Family | None:
    """Find the family of an argument's values by the argument's name; None if there is none."""
    for family in FAMILIES:
        if argument.endswith(family.noun):
            return family
    return None
