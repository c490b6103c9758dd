"""One kind of training component: which there are, and how one is checked and made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from compiler.catalogue.arguments import Argument
from compiler.catalogue.configs import Component as Described
from compiler.catalogue.configs import config_faults, misuse, plain_value, read_config
from compiler.model.keras_errors import locate_keras_errors
from domain.errors import Fault, Invalid, not_offered
from domain.graph.walk import Place
from domain.job.recipe import Component, NameOrComponent
from domain.pointer import pointer


@dataclass(frozen=True)
class Offer:
    """An allow-list of Keras classes."""

    noun: str
    classes: Mapping[str, Any]
    names: frozenset[str] = frozenset()
    """What a bare name may be; Keras resolves it, by the shapes where that matters."""
    inner: Mapping[str, "Offer"] = field(default_factory=dict)
    """The arguments that may hold a component of another kind."""

    def faults(self, spec: NameOrComponent, place: Place) -> list[Fault]:
        """All that is wrong with a component's name and config at `place`."""
        if isinstance(spec, str):
            return self._name_faults(spec, place)
        if spec.type not in self.classes:
            detail = not_offered(self.noun, spec.type, self.classes)
            return [Fault(pointer=pointer(*place, "type"), detail=detail)]
        cls = self.classes[spec.type]
        return [*config_faults(cls, spec.config, (*place, "config"), check=self._value_faults)]

    def make(self, spec: NameOrComponent, place: Place) -> Any:
        """A new Keras object, or the name itself where Keras is to resolve it.

        Raises:
            Invalid: an unknown name, or a config that Keras refuses.
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
        missing = config_faults(self.classes[name], {}, ()) if name in self.classes else ()
        return [Fault(pointer=pointer(*place), detail=fault.detail) for fault in missing]

    def _value_faults(self, argument: Argument, value: Any, place: Place) -> Iterator[Fault]:
        offer = self.inner.get(argument.name)
        if offer is None or not isinstance(value, dict):
            yield from plain_value(argument, value, place)
            return
        reason = misuse(value, offer.noun)
        if reason:
            yield Fault(pointer=pointer(*place), detail=reason)
        else:
            yield from offer.faults(_read(value), place)

    def _make_inner(self, config: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """Make the components of other kinds that a config contains."""
        return {
            name: offer.make(_read(config[name]), (*place, name))
            for name, offer in self.inner.items()
            if isinstance(config.get(name), dict)
        }


def _read(value: Mapping[str, Any]) -> Component:
    described = Described.of(value)
    return Component(type=described.type, config=described.config)
