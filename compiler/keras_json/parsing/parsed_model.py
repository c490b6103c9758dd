"""A parsed model: its layers, their calls and tensors, in one form for all versions of Keras."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from compiler.keras_json.parsing.document import invalid_at
from domain.graph.walk import Place


@dataclass(frozen=True)
class Tensor:
    """One output tensor of one call of a layer."""

    layer: str
    """The layer's name in Keras."""
    call: int
    """Number of the call among the layer's calls in this model, from 0."""
    index: int
    """Number of the tensor among the call's outputs, from 0."""
    place: Place = field(compare=False)


class CallArgument(NamedTuple):
    """An argument of a call: a tensor, a constant, or lists and mappings of them."""

    value: Any
    place: Place


class Call(NamedTuple):
    """One call of a layer, with its positional and keyword arguments."""

    args: list[CallArgument]
    kwargs: dict[str, CallArgument]
    place: Place
    is_keras_2: bool = False
    """Keras 2 wrote it. `args` is then the first argument alone; it may be a list."""
    has_fixed_training: bool = False
    """The client set `training`. Otherwise Keras may have written the default value."""

    def bind(self, parameters: Sequence[str]) -> dict[str, CallArgument]:
        """Return the arguments by name.

        Args:
            parameters: The names of the positional parameters, in order.

        Raises:
            Invalid: There are too many positional arguments, or one is given twice.
        """
        for excess in self.args[len(parameters) :]:
            wanted = ", ".join(f"'{name}'" for name in parameters) or "none"
            raise invalid_at(excess.place, f"No argument belongs here; these do: {wanted}.")
        by_position = dict(zip(parameters, self.args, strict=False))
        for name in by_position.keys() & self.kwargs.keys():
            raise invalid_at(self.kwargs[name].place, f"'{name}' is given by position already.")
        return {**by_position, **self.kwargs}

    def tensors(self) -> Iterator[Tensor]:
        """Iterate over every tensor in the arguments."""
        for given in (*self.args, *self.kwargs.values()):
            yield from tensors_in(given.value)


@dataclass
class Layer:
    """A layer or an operation of a model, with its calls."""

    name: str
    spec: dict[str, Any]
    """The layer's JSON: `class_name`, `config`, ..."""
    place: Place
    calls: list[Call]


@dataclass
class Model:
    """A functional or sequential model."""

    layers: dict[str, Layer]
    inputs: Any
    """A tensor, or lists and mappings of tensors."""
    outputs: Any


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Iterate over the tensors of a nested structure in Keras's order (mappings by sorted key)."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from tensors_in(value[key])


def map_tensors(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return the structure with `change` applied to each tensor."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list):
        return [map_tensors(item, change) for item in value]
    if isinstance(value, dict):
        return {key: map_tensors(item, change) for key, item in value.items()}
    return value
