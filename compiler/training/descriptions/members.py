"""Lists the members of each kind of component, with all names of each."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.catalogue.arguments import arguments_of
from compiler.catalogue.families import (
    ACTIVATIONS,
    CONSTRAINTS,
    INITIALIZERS,
    REGULARIZERS,
    Family,
)
from compiler.training.allow_list import AllowList
from compiler.training.components import CALLBACKS, LOSSES, METRICS, OPTIMIZERS, SCHEDULES
from domain.catalogue import ComponentKind

Offer = AllowList | Family
OFFERS: Mapping[ComponentKind, Offer] = {
    "optimizer": OPTIMIZERS,
    "loss": LOSSES,
    "metric": METRICS,
    "schedule": SCHEDULES,
    "callback": CALLBACKS,
    "initializer": INITIALIZERS,
    "regularizer": REGULARIZERS,
    "constraint": CONSTRAINTS,
    "activation": ACTIVATIONS,
}
"""What a request may name, by kind of component."""
_BY_SHAPES: Mapping[str, tuple[str, ...]] = {
    "accuracy": ("accuracy", "acc"),
    "crossentropy": ("crossentropy", "ce"),
}
"""Names that Keras resolves by the shapes of output and target."""


@dataclass(frozen=True)
class Member:
    """A component that a request may name."""

    type: str
    names: tuple[str, ...]
    """The names that may stand alone."""
    target: Any
    """The class or function; None if Keras chooses the class by the shapes."""

    @property
    def takes_config(self) -> bool:
        """Whether it is a class, so that an object may give its config."""
        return inspect.isclass(self.target)


def list_members(offer: Offer) -> list[Member]:
    """List the members of one kind, each once, by type."""
    found = _list_family(offer) if isinstance(offer, Family) else _list_allowed(offer)
    return sorted(found, key=lambda member: (member.type.lower(), member.type))


def _list_family(family: Family) -> Iterator[Member]:
    names: dict[Any, list[str]] = {}
    for name, target in family.known.items():
        names.setdefault(target, []).append(name)
    for target, known in names.items():
        type_ = target.__name__ if target.__name__ in known else known[0]
        yield Member(type_, tuple(known) if _needs_nothing(target) else (), target)


def _list_allowed(allowed: AllowList) -> Iterator[Member]:
    names: dict[Any, set[str]] = {cls: set() for cls in allowed.classes.values()}
    for name in allowed.names or allowed.classes:
        cls = allowed.find_class(name)
        if cls is not None:
            names[cls].add(name)
    for cls, known in names.items():
        yield Member(cls.__name__, _sort(known) if _needs_nothing(cls) else (), cls)
    for type_, alone in _BY_SHAPES.items():
        if type_ in allowed.names:
            yield Member(type_, alone, None)


def _sort(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names by length, long ones first: `MeanSquaredError`, then `mse`."""
    return tuple(sorted(names, key=lambda name: (-len(name), name)))


def _needs_nothing(target: Any) -> bool:
    """Return whether a class or function is made by its name alone."""
    arguments = arguments_of(target) if isinstance(target, type) else {}
    return not any(argument.is_required for argument in arguments.values())
