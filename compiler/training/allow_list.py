"""Checks and makes training components of one kind, e.g. optimizers, from an allow-list."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from compiler.catalogue.arguments import Argument
from compiler.catalogue.configs import Component as ComponentConfig
from compiler.catalogue.configs import check_value, explain_misuse, find_config_faults, read_config
from compiler.model.keras_errors import locate_keras_errors
from domain.errors import Fault, Invalid, not_offered
from domain.graph.walk import Place
from domain.job.recipe import Component, NameOrComponent
from domain.pointer import pointer


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

    def faults(self, spec: NameOrComponent, place: Place) -> list[Fault]:
        """Return the faults of a component's name and config.

        Args:
            spec: The component.
            place: The component's place in the request.
        """
        if isinstance(spec, str):
            return self._name_faults(spec, place)
        if spec.type not in self.classes:
            detail = not_offered(self.noun, spec.type, self.classes)
            return [Fault(pointer=pointer(*place, "type"), detail=detail)]
        cls = self.classes[spec.type]
        return [*find_config_faults(cls, spec.config, (*place, "config"), check=self._value_faults)]

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
        cls = self.classes[spec.type]
        arguments = read_config(cls, plain) | made
        with locate_keras_errors(config):
            return cls(**arguments)

    def _name_faults(self, name: str, place: Place) -> list[Fault]:
        known = dict.fromkeys(sorted(self.names or self.classes))
        if name not in known:
            return [Fault(pointer=pointer(*place), detail=not_offered(self.noun, name, known))]
        missing = find_config_faults(self.classes[name], {}, ()) if name in self.classes else ()
        return [Fault(pointer=pointer(*place), detail=fault.detail) for fault in missing]

    def _value_faults(self, argument: Argument, value: Any, place: Place) -> Iterator[Fault]:
        allowed = self.inner.get(argument.name)
        if allowed is None or not isinstance(value, dict):
            yield from check_value(argument, value, place)
            return
        reason = explain_misuse(value, allowed.noun)
        if reason:
            yield Fault(pointer=pointer(*place), detail=reason)
        else:
            yield from allowed.faults(_parse_component(value), place)

    def _make_inner(self, config: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """Make the components of other kinds that a config contains."""
        return {
            name: allowed.make(_parse_component(config[name]), (*place, name))
            for name, allowed in self.inner.items()
            if isinstance(config.get(name), dict)
        }


def _parse_component(value: Mapping[str, Any]) -> Component:
    parsed = ComponentConfig.of(value)
    return Component(type=parsed.type, config=parsed.config)
