"""Every layer that a build makes, with the name its weights go by."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.keras_private import TRACKED_LISTS, layers_in, own_variables, seed_generators_of
from compiler.model.scope import Path
from domain.ids import ModelId

_COUNTED = re.compile(r"variable(_\d+)?")


@dataclass(frozen=True)
class Source:
    """A trained model used as a layer: whose weights go where."""

    model: ModelId
    variables: Mapping[str, Any]
    """The source's own keys to the variables of the model being built."""


class Ledger:
    """Layers by identity, in the order they were made: each is written once, where defined."""

    def __init__(self) -> None:
        self._paths: dict[int, tuple[Any, Path]] = {}
        self._copies: list[tuple[ModelId, Path]] = []

    def enter(self, layer: Any, path: Path) -> None:
        """A layer object was made."""
        self._paths[id(layer)] = (layer, path)

    def enter_copy(self, model: ModelId, path: Path) -> None:
        """A trained model was made anew; its layers lie below `path`."""
        self._copies.append((model, path))

    def variables(self, model: Any) -> dict[str, Any]:
        """Every variable of a Keras model once, seed states included, by its key.

        Raises:
            RuntimeError: two variables have one key, or a variable has none.
        """
        wanted = {id(variable) for variable in model.variables}
        named: dict[str, Any] = {}
        for layer, path in self._paths.values():
            for tokens, variable in self._own(layer, path):
                key = "/".join(tokens)
                if id(variable) not in wanted:
                    continue
                wanted.remove(id(variable))
                if key in named:
                    raise RuntimeError(f"two variables are called {key}")
                named[key] = variable
        if wanted:
            lost = [v.path for v in model.variables if id(v) in wanted]
            raise RuntimeError(f"variables without a layer of ours: {lost}")
        return named

    def sources(self, variables: Mapping[str, Any]) -> tuple[Source, ...]:
        """Which variables each trained model's weights are copied to."""
        return tuple(
            Source(model, _below("/".join(path) + "/", variables)) for model, path in self._copies
        )

    def _own(self, layer: Any, path: Path) -> Iterator[tuple[Path, Any]]:
        """A layer's variables, and those of layers that Keras itself made inside it."""
        for variable in own_variables(layer):
            yield (*path, _name(layer, variable)), variable
        for generator in seed_generators_of(layer):
            yield (*path, _attribute(layer, generator)), generator.state
        for inner in layers_in(layer):
            if id(inner) not in self._paths:
                yield from self._own(inner, (*path, _attribute(layer, inner)))


def _below(prefix: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in variables.items() if k.startswith(prefix)}


def _name(layer: Any, variable: Any) -> str:
    """The name that the layer gives it; Keras counts those without one through a whole process."""
    counted = _COUNTED.fullmatch(variable.name)
    return _attribute(layer, variable) if counted else str(variable.name)


def _attribute(layer: Any, value: Any) -> str:
    """The name of the attribute that holds `value`, in itself or in a list."""
    for name, held in vars(layer).items():
        if held is value:
            return name.lstrip("_")
    for name, held in vars(layer).items():
        if name not in TRACKED_LISTS and isinstance(held, list | tuple):
            for i, item in enumerate(held):
                if item is value:
                    return f"{name.lstrip('_')}_{i}"
    raise RuntimeError(f"{layer.name} holds {value.name} in no attribute")
