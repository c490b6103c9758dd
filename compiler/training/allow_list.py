"""Checks and makes training components of one kind, e.g. optimizers, from an allow-list."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from compiler.catalogue.arguments import Argument
from compiler.catalogue.configs import Component as ComponentConfig
from compiler.catalogue.configs import check_value, explain_misuse, find_config_faults, read_config
from compiler.model.keras_errors import locate_keras_errors
from domain.catalogue import describe_unknown
from domain.errors import MOST_FAULTS, Fault, Invalid
from domain.graph.walk import Place
from domain.job.recipe import Component, NameOrComponent
from domain.job.targets import simplify_name
from domain.json.pointer import pointer

ABBREVIATIONS: Mapping[str, str] = {
    "bce": "binarycrossentropy",
    "kld": "kldivergence",
    "mae": "meanabsoluteerror",
    "mape": "meanabsolutepercentageerror",
    "mse": "meansquarederror",
    "msle": "meansquaredlogarithmicerror",
}
"""Keras's short names of losses and metrics, and the names of their classes in lower case."""


@dataclass(frozen=True)
class AllowList:
    """The Keras classes and names that a client may use for one kind of component."""

    noun: str
    """The kind in messages, e.g. `optimizer`."""
    classes: Mapping[str, Any]
    """The Keras classes by their names."""
    names: frozenset[str] = frozenset()
    """The names allowed without a config, which Keras resolves. If empty, those of `classes`."""
    inner: Mapping[str, "AllowList"] = field(default_factory=dict)
    """The arguments that accept a component of another kind, e.g. a schedule."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """The other members of Keras's module, and why no request may use them."""

    @cached_property
    def known(self) -> list[str]:
        """All names and types."""
        return sorted({*self.names, *self.classes})

    def find_class(self, name: str) -> Any:
        """Return the Keras class of a type or another name; None if there is none.

        Args:
            name: A class's name, or a name that Keras resolves, e.g. `mse`.
        """
        return self.classes.get(name) or self._by_plain_name.get(_simplify(name))

    @cached_property
    def _by_plain_name(self) -> Mapping[str, Any]:
        return {_simplify(name): cls for name, cls in self.classes.items()} if self.names else {}

    def _describe_unknown(self, name: str) -> str:
        return describe_unknown(self.noun, name, self.known, self.left_out)

    def faults(self, spec: NameOrComponent, place: Place) -> list[Fault]:
        """Return the faults of a component's name and config.

        Args:
            spec: The component.
            place: The component's place in the request.
        """
        if isinstance(spec, str):
            return self._name_faults(spec, place)
        cls = self._find_class_of_type(spec.type)
        if cls is None:
            return [Fault(pointer=pointer(*place, "type"), detail=self._explain_type(spec.type))]
        found = find_config_faults(cls, spec.config, (*place, "config"), check=self._value_faults)
        return list(islice(found, MOST_FAULTS))

    def make(self, spec: NameOrComponent, place: Place) -> Any:
        """Return a new Keras object, or the name itself if Keras resolves it.

        Args:
            spec: The component.
            place: The component's place in the request.

        Raises:
            Invalid: The name is unknown, or Keras refuses the config.
        """
        faults = self.faults(spec, place)
        if faults:
            raise Invalid(faults)
        if isinstance(spec, str):
            return spec if self.names else self.classes[spec]()
        config = (*place, "config")
        made = self._make_inner(spec.config, config)
        plain = {name: value for name, value in spec.config.items() if name not in made}
        cls = self._find_class_of_type(spec.type)
        arguments = read_config(cls, plain) | made
        with locate_keras_errors(config):
            return cls(**arguments)

    def _find_class_of_type(self, type_: str) -> Any:
        return self.find_class(type_) if type_ in self.names else self.classes.get(type_)

    def _explain_type(self, type_: str) -> str:
        if type_ in self.names:  # Keras chooses the class by the shapes
            return f"The {self.noun} '{type_}' takes no config: give its name alone."
        return self._describe_unknown(type_)

    def _name_faults(self, name: str, place: Place) -> list[Fault]:
        if name not in (self.names or self.classes):
            return [Fault(pointer=pointer(*place), detail=self._describe_unknown(name))]
        missing = find_config_faults(self.classes[name], {}, ()) if name in self.classes else ()
        return [Fault(pointer=pointer(*place), detail=fault.detail) for fault in missing]

    def _value_faults(self, argument: Argument, value: Any, place: Place) -> Iterator[Fault]:
        allowed = self.inner.get(argument.name)
        if allowed is None or not (allowed.takes_names or isinstance(value, dict)):
            yield from check_value(argument, value, place)
        elif isinstance(value, str):
            yield from allowed.faults(value, place)
        else:
            yield from allowed.find_object_faults(value, place)

    def find_object_faults(self, value: Any, place: Place) -> Iterator[Fault]:
        """Find the faults of a component in a config, which is an object of either form.

        Args:
            value: A JSON value that is no name.
            place: Its place in the request.
        """
        reason = explain_misuse(value if isinstance(value, dict) else {}, self.noun)
        if reason:
            yield Fault(pointer=pointer(*place), detail=reason)
        else:
            yield from self.faults(_parse_component(value), place)

    def is_component(self, value: Any) -> bool:
        """Return whether a JSON value stands for a component: an object, or a name if one may."""
        return isinstance(value, dict) or (isinstance(value, str) and self.takes_names)

    @cached_property
    def takes_names(self) -> bool:
        """Whether a name alone stands for some of the components."""
        return any(not list(find_config_faults(cls, {}, ())) for cls in self.classes.values())

    def _make_inner(self, config: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """Make the components of other kinds that a config contains."""
        return {
            name: allowed.make(_parse_component(config[name]), (*place, name))
            for name, allowed in self.inner.items()
            if allowed.is_component(config.get(name))
        }


def _simplify(name: str) -> str:
    plain = simplify_name(name)
    return ABBREVIATIONS.get(plain, plain)


def _parse_component(value: Mapping[str, Any] | str) -> NameOrComponent:
    if isinstance(value, str):
        return value
    parsed = ComponentConfig.of(value)
    return Component(type=parsed.type, config=parsed.config)
