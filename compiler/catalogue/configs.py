"""Checks and reads components, which a request describes by a name, or by type and config."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.catalogue.argument_values import explain_misfit, read
from compiler.catalogue.arguments import Argument, arguments_of
from domain.errors import Fault, did_you_mean
from domain.graph.walk import Place
from domain.json.pointer import pointer

Checker = Callable[[Argument, Any, Place], Iterator[Fault]]
_KEYS = frozenset({"type", "class_name", "config", "module", "registered_name"})
"""Our keys, and those that Keras writes beside `class_name`; `module` is never imported."""


@dataclass(frozen=True)
class Component:
    """An object in our form `{"type", "config"}` or in Keras's form `{"class_name", "config"}`."""

    type: Any
    config: Any

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Component":
        """Read an object of either form."""
        kind = value.get("type", value.get("class_name"))
        config = value.get("config")
        if kind == "function":  # Keras's form of a built-in function
            return cls(config, {})
        return cls(kind, {} if config is None else config)


def explain_misuse(value: Mapping[str, Any], noun: str) -> str | None:
    """Explain why an object is not a component; None if it is one.

    Args:
        value: The object.
        noun: The kind of component, e.g. "loss".
    """
    component = Component.of(value)
    if set(value) <= _KEYS and isinstance(component.type, str):
        if isinstance(component.config, dict):
            return None
        return "`config` must be an object."
    return f'This {noun} must be a name or {{"type": "...", "config": {{...}}}}.'


def check_value(argument: Argument, value: Any, place: Place) -> Iterator[Fault]:
    """Find the fault of an argument's value that is neither a layer nor a component."""
    reason = explain_misfit(argument, value)
    if reason:
        yield Fault(pointer=pointer(*place), detail=reason)


def find_config_faults(
    cls: type,
    config: Mapping[str, Any],
    place: Place,
    known: Mapping[str, Argument] | None = None,
    check: Checker = check_value,
) -> Iterator[Fault]:
    """Find every fault of a config.

    Args:
        cls: The Keras class whose constructor takes the config.
        config: JSON values by argument.
        place: The place of the config in the document.
        known: The arguments that a client may give; by default all arguments of the class.
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
    """Convert a config without faults to the arguments of a Keras class's constructor."""
    known = arguments_of(cls)
    return {name: read(known[name], value) for name, value in config.items()}
