"""The keys by which the variables of a model are stored.

A key is a path such as `encoder/dense/kernel`: names of layers, then the name of the variable.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.keras_private import (
    TRACKED_LISTS,
    get_inner_layers,
    get_own_variables,
    get_seed_generators,
)
from compiler.model.scope import Path
from domain.ids import ModelId

_COUNTED = re.compile(r"variable(_\d+)?")


@dataclass(frozen=True)
class Source:
    """A trained model that a graph uses as a layer."""

    model: ModelId
    variables: Mapping[str, Any]
    """The variables to copy its weights to, by the trained model's own keys."""


class VariableKeys:
    """The path of each layer, in the order in which the layers were made.

    A shared layer has one path, that of its definition.
    """

    def __init__(self) -> None:
        self._paths: dict[int, tuple[Any, Path]] = {}
        self._copies: list[tuple[ModelId, Path]] = []

    def add_layer(self, layer: Any, path: Path) -> None:
        """Add a layer that was made."""
        self._paths[id(layer)] = (layer, path)

    @property
    def layers(self) -> dict[str, Any]:
        """Every layer by its path, in the order in which they were made."""
        return {"/".join(path): layer for layer, path in self._paths.values()}

    def add_copy(self, model: ModelId, path: Path) -> None:
        """Add a trained model that was built as a layer; its layers have paths below `path`."""
        self._copies.append((model, path))

    def find_variables(self, model: Any) -> dict[str, Any]:
        """Find the key of every variable of a Keras model, including the states of seed generators.

        Raises:
            RuntimeError: Two variables have the same key, or a variable has none.
        """
        wanted = {id(variable) for variable in model.variables}
        named: dict[str, Any] = {}
        for layer, path in self._paths.values():
            for tokens, variable in self._find_own(layer, path):
                key = "/".join(tokens)
                if id(variable) not in wanted:
                    continue
                wanted.remove(id(variable))
                if key in named:
                    raise RuntimeError(f"two variables have the key {key}")
                named[key] = variable
        if wanted:
            lost = [v.path for v in model.variables if id(v) in wanted]
            raise RuntimeError(f"no layer owns the variables {lost}")
        return named

    def find_sources(self, variables: Mapping[str, Any]) -> tuple[Source, ...]:
        """Find the variables that each trained model's weights are copied to."""
        return tuple(
            Source(model, _select_below("/".join(path) + "/", variables))
            for model, path in self._copies
        )

    def _find_own(self, layer: Any, path: Path) -> Iterator[tuple[Path, Any]]:
        """Yield the paths and variables of a layer and of the layers that Keras made inside it."""
        for variable in get_own_variables(layer):
            yield (*path, _name_variable(layer, variable)), variable
        for generator in get_seed_generators(layer):
            yield (*path, _find_attribute(layer, generator)), generator.state
        for inner in get_inner_layers(layer):
            if id(inner) not in self._paths:
                yield from self._find_own(inner, (*path, _find_attribute(layer, inner)))


def _select_below(prefix: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in variables.items() if k.startswith(prefix)}


def _name_variable(layer: Any, variable: Any) -> str:
    """Return the name of a variable in its layer.

    Keras numbers all variables without a name that a process creates. The name of such a variable
    is that of the attribute that refers to it.
    """
    counted = _COUNTED.fullmatch(variable.name)
    return _find_attribute(layer, variable) if counted else str(variable.name)


def _find_attribute(layer: Any, value: Any) -> str:
    """Return the name of the attribute that is a value, or a list that contains it."""
    for name, attribute in vars(layer).items():
        if attribute is value:
            return name.lstrip("_")
    for name, attribute in vars(layer).items():
        if name not in TRACKED_LISTS and isinstance(attribute, list | tuple):
            for i, item in enumerate(attribute):
                if item is value:
                    return f"{name.lstrip('_')}_{i}"
    raise RuntimeError(f"no attribute of {layer.name} refers to {value.name}")
