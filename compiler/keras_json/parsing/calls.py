"""The calls of a layer as Keras's JSON tells them, without regard to its version."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from compiler.keras_json.parsing.document import refused
from domain.graph.walk import Place


@dataclass(frozen=True)
class Tensor:
    """One tensor that one call of a layer gave."""

    layer: str
    """Keras's name of it."""
    call: int
    """Which of the layer's calls in this model, from 0."""
    index: int
    """Which of the call's tensors, from 0."""
    place: Place = field(compare=False)


class Given(NamedTuple):
    """An argument: a tensor, a constant, or lists and mappings of them."""

    value: Any
    place: Place


class Call(NamedTuple):
    """One call: its arguments by position and by name."""

    args: list[Given]
    kwargs: dict[str, Given]
    place: Place
    is_legacy: bool = False
    """Written by Keras 2: the first argument alone, and what else was put in a list with it."""
    is_constant: bool = False
    """Its `training` was said, where Keras otherwise writes down the default too."""

    def bound(self, parameters: Sequence[str]) -> dict[str, Given]:
        """The arguments by name.

        Args:
            parameters: The names of the positional ones, in order.

        Raises:
            Invalid: there are more than those, or one is given twice.
        """
        for excess in self.args[len(parameters) :]:
            wanted = ", ".join(f"'{name}'" for name in parameters) or "none"
            raise refused(excess.place, f"No argument belongs here; these do: {wanted}.")
        by_position = dict(zip(parameters, self.args, strict=False))
        for name in by_position.keys() & self.kwargs.keys():
            raise refused(self.kwargs[name].place, f"'{name}' is given by position already.")
        return {**by_position, **self.kwargs}

    def tensors(self) -> Iterator[Tensor]:
        """Every tensor among the arguments."""
        for given in (*self.args, *self.kwargs.values()):
            yield from tensors_in(given.value)


@dataclass
class Layer:
    """A layer or operation of a model, and its calls."""

    name: str
    spec: dict[str, Any]
    """What Keras serialized: `class_name`, `config`, ..."""
    place: Place
    calls: list[Call]


@dataclass
class Model:
    """A functional or sequential model."""

    layers: dict[str, Layer]
    inputs: Any
    """A tensor, or lists and mappings of them."""
    outputs: Any


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Every tensor of a nested structure, in the order in which Keras counts them."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from tensors_in(value[key])


def mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A structure with other tensors in the places of its own."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    return value
