"""What the calls of a model's layers call: a layer object, a nested graph or a function."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import keras

from compiler.catalogue.layers import CATALOGUE
from compiler.keras_json.parsing.document import invalid_at
from compiler.keras_json.parsing.parsed_model import Call, CallArgument, tensors_in
from compiler.keras_json.translation.arguments import BoundArguments, bound, check_argument_names
from compiler.keras_json.translation.fragment import Fragment
from compiler.keras_json.translation.operations import MULTIPLE_OUTPUTS, Operation

MODEL_PARAMETERS = ("inputs", "training", "mask")
"""What the call of a model takes, in order."""
_LISTS_STATES = (keras.layers.RNN, keras.layers.Bidirectional)


@dataclass(frozen=True)
class LayerCallee:
    """A layer of the catalogue."""

    part: Fragment
    """The layer object."""

    @cached_property
    def _class(self) -> Any:
        return CATALOGUE[self.part.value["type"]].cls

    @cached_property
    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        _, *parameters = inspect.signature(self._class.call).parameters.values()
        named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        return {parameter.name: parameter for parameter in named}

    def bind(self, call: Call) -> BoundArguments:
        """The arguments of a call.

        Raises:
            Invalid: an argument that no node can say.
        """
        return bound(call, self._parameters, issubclass(self._class, _LISTS_STATES))

    def inputs(self, tensors: Mapping[str, Any]) -> Any:
        """A node's `inputs`, from references by argument."""
        return _bare(tensors, next(iter(self._parameters), None))

    def has_multiple_outputs(self, arguments: BoundArguments) -> bool:
        """Whether a call gives a list of tensors."""
        scores = arguments.constants.get("return_attention_scores")
        gives_states = "states" in self._parameters or any(_returned_states(self.part.value))
        return gives_states or bool(scores and scores.value)


@dataclass(frozen=True)
class NestedGraph:
    """A model of the model."""

    part: Fragment
    """The layer object."""
    input_names: Any
    """NameMap of its inputs, in the lists and mappings in which Keras takes the tensors."""
    layer_names: Mapping[str, str]
    """The same by Keras's names of its input layers."""
    outputs: tuple[str, ...]
    """In Keras's order."""

    def bind(self, call: Call) -> BoundArguments:
        """The arguments of a call; masks go along by themselves.

        Raises:
            Invalid: the tensors do not fit the inputs.
        """
        given = call.bind(MODEL_PARAMETERS)
        if not call.is_keras_2:
            check_argument_names(given, MODEL_PARAMETERS)
        inputs = given.pop("inputs", CallArgument([], call.place))
        given.pop("mask", None)
        constants = {name: item for name, item in given.items() if item.value is not None}
        return BoundArguments(self._named(inputs), constants)

    def inputs(self, tensors: Mapping[str, Any]) -> Any:
        """A node's `inputs`, from references by input."""
        if isinstance(self.input_names, dict):
            return dict(tensors)
        ordered = [tensors[name] for name in self.layer_names.values()]
        return ordered[0] if len(ordered) == 1 else ordered

    def has_multiple_outputs(self, arguments: BoundArguments) -> bool:
        """Whether a call gives tensors that references pick from by number."""
        return False

    def _named(self, given: CallArgument) -> dict[str, CallArgument]:
        value = given.value
        flat = list(tensors_in(value))
        names = list(self.layer_names.values())
        if isinstance(value, dict) and not isinstance(self.input_names, dict):
            names = [self.layer_names.get(key, "") for key in sorted(value)]
        if len(flat) != len(names) or set(names) != set(self.layer_names.values()):
            wanted = ", ".join(f"'{name}'" for name in self.layer_names)
            raise invalid_at(given.place, f"This model takes a tensor for each of {wanted}.")
        return {name: CallArgument(t, given.place) for name, t in zip(names, flat, strict=True)}


@dataclass(frozen=True)
class Function:
    """A function of `keras.ops`."""

    operation: Operation
    part: Fragment = field(default_factory=lambda: Fragment(None))

    def bind(self, call: Call) -> BoundArguments:
        """The arguments of a call, those that are part of the operation among them.

        Raises:
            Invalid: an argument that the function does not take.
        """
        return self.operation.bind(call)

    def inputs(self, tensors: Mapping[str, Any]) -> Any:
        """A node's `inputs`, from references by parameter."""
        taken = list(self.operation.op.tensors)
        in_order = [name for name in taken if name in tensors]
        ordered = [tensors[name] for name in in_order]
        if len(ordered) > 1 and in_order == taken[: len(tensors)] and all(map(_is_one, ordered)):
            return ordered
        return _bare(tensors, taken[0])

    def has_multiple_outputs(self, arguments: BoundArguments) -> bool:
        """Whether a call gives a list of tensors."""
        parts = arguments.constants.get("indices_or_sections")
        return self.operation.op.name in MULTIPLE_OUTPUTS and not (parts and parts.value in (1, []))


Callee = LayerCallee | NestedGraph | Function


def _is_one(reference: Any) -> bool:
    return isinstance(reference, str)


def _bare(tensors: Mapping[str, Any], first: str | None) -> Any:
    """The first argument by itself where it is the only one."""
    return tensors[first] if first is not None and list(tensors) == [first] else dict(tensors)


def _returned_states(layer: Any) -> Iterator[bool]:
    config = layer.get("config") if isinstance(layer, dict) else None
    if isinstance(config, dict):
        yield config.get("return_state") is True
        yield from _returned_states(config.get("layer"))
