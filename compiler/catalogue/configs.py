"""Checks and makes the objects that a request describes as a name or as type and config."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.catalogue.argument_values import read, reason_against
from compiler.catalogue.arguments import Argument, arguments_of
from domain.errors import Fault, did_you_mean
from domain.graph.walk import Place
from domain.pointer import pointer

Checker = Callable[[Argument, Any, Place], Iterator[Fault]]
_KEYS = frozenset({"type", "class_name", "config", "module", "registered_name"})
"""Ours, and what Keras writes beside its `class_name`; `module` is never followed."""


@dataclass(frozen=True)
class Component:
    """A request's `{"type", "config"}`, or Keras's `{"class_name", "config"}`."""

    type: Any
    config: Any

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Component":
        """Read either form."""
        kind = value.get("type", value.get("class_name"))
        config = value.get("config")
        if kind == "function":  # Keras's form of a built-in function
            return cls(config, {})
        return cls(kind, {} if config is None else config)


def misuse(value: Mapping[str, Any], noun: str) -> str | None:
    """Why an object is no component at all; None when it is."""
    component = Component.of(value)
    if set(value) <= _KEYS and isinstance(component.type, str):
        if isinstance(component.config, dict):
            return None
        return "`config` must be an object."
    return f'This {noun} must be a name or {{"type": "...", "config": {{...}}}}.'


def plain_value(argument: Argument, value: Any, place: Place) -> Iterator[Fault]:
    """The fault of a value that no rule of its own covers."""
    reason = reason_against(argument, value)
    if reason:
        yield Fault(pointer=pointer(*place), detail=reason)


def config_faults(
    cls: type,
    config: Mapping[str, Any],
    place: Place,
    known: Mapping[str, Argument] | None = None,
    check: Checker = plain_value,
) -> Iterator[Fault]:
    """Every fault of a config against the arguments of a Keras class.

    Args:
        cls: The class whose constructor will take the config.
        config: Argument names to JSON values.
        place: Where the config lies.
        known: The arguments that a client may give; by default all of the class.
        check: Finds the faults of one value.
    """
    known = arguments_of(cls) if known is None else known
    for name, value in config.items():
        if name in known:
            yield from check(known[name], value, (*place, name))
        else:
            detail = f"{cls.__name__} has no argument '{name}'.{did_you_mean(name, known)}"
            yield Fault(pointer=pointer(*place, name), detail=detail)
    for argument in known.values():
        if argument.is_required and argument.name not in config:
            yield Fault(
                pointer=pointer(*place, argument.name),
                detail=f"{cls.__name__} needs the argument '{argument.name}'.",
            )


def read_config(cls: type, config: Mapping[str, Any]) -> dict[str, Any]:
    """A config that has no faults, as the constructor of a Keras class takes it."""
    known = arguments_of(cls)
    return {name: read(known[name], value) for name, value in config.items()}
