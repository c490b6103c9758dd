"""The targets of calls: layers of the catalogue, nested graphs, functions of `keras.ops`."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import keras

from compiler.catalogue.layers import CATALOGUE
from compiler.keras_json.parsing.document import invalid_at
from compiler.keras_json.parsing.parsed_model import Call, CallArgument, tensors_in
from compiler.keras_json.translation.arguments import (
    BoundArguments,
    bind_layer_call,
    check_argument_names,
)
from compiler.keras_json.translation.fragment import Fragment
from compiler.keras_json.translation.operations import MULTIPLE_OUTPUTS, Operation

MODEL_PARAMETERS = ("inputs", "training", "mask")
"""The parameters of the call of a model, in order."""
_LISTS_STATES = (keras.layers.RNN, keras.layers.Bidirectional)


@dataclass(frozen=True)
class LayerCallee:
    """A layer of the catalogue."""

    layer: Fragment
    """The layer object."""

    @cached_property
    def _class(self) -> Any:
        return CATALOGUE[self.layer.value["type"]].cls

    @cached_property
    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        _, *parameters = inspect.signature(self._class.call).parameters.values()
        named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        return {parameter.name: parameter for parameter in named}

    def bind(self, call: Call) -> BoundArguments:
        """Return the arguments of a call.

        Raises:
            Invalid: A node of a graph cannot express an argument.
        """
        return bind_layer_call(call, self._parameters, issubclass(self._class, _LISTS_STATES))

    def inputs(self, tensors: Mapping[str, Any]) -> Any:
        """Return a node's `inputs`.

        Args:
            tensors: References by parameter name.
        """
        return _simplify_inputs(tensors, next(iter(self._parameters), None))

    def has_multiple_outputs(self, arguments: BoundArguments) -> bool:
        """Whether a call returns a list of tensors."""
        scores = arguments.constants.get("return_attention_scores")
        returns_states = "states" in self._parameters or any(_return_states(self.layer.value))
        return returns_states or bool(scores and scores.value)


@dataclass(frozen=True)
class NestedGraph:
    """A model that another model contains as a layer."""

    layer: Fragment
    """The layer object, of type `Graph`."""
    input_names: Any
    """The names of its inputs, in the lists and mappings in which Keras takes the tensors."""
    layer_names: Mapping[str, str]
    """The names of its inputs, by Keras's names of the input layers."""
    outputs: tuple[str, ...]
    """The names of its outputs, in Keras's order."""

    def bind(self, call: Call) -> BoundArguments:
        """Return the arguments of a call without `mask`, which Keras adds again by itself.

        Raises:
            Invalid: The tensors do not match the model's inputs.
        """
        given = call.bind(MODEL_PARAMETERS)
        if not call.is_keras_2:
            check_argument_names(given, MODEL_PARAMETERS)
        inputs = given.pop("inputs", CallArgument([], call.place))
        given.pop("mask", None)
        constants = {name: item for name, item in given.items() if item.value is not None}
        return BoundArguments(self._tensors_by_input(inputs), constants)

    def inputs(self, tensors: Mapping[str, Any]) -> Any:
        """Return a node's `inputs`.

        Args:
            tensors: References by input name.
        """
        if isinstance(self.input_names, dict):
            return dict(tensors)
        ordered = [tensors[name] for name in self.layer_names.values()]
        return ordered[0] if len(ordered) == 1 else ordered

    def has_multiple_outputs(self, arguments: BoundArguments) -> bool:
        """Return False: references pick an output of a model by name, not by number."""
        return False

    def _tensors_by_input(self, given: CallArgument) -> dict[str, CallArgument]:
        value = given.value
        flat = list(tensors_in(value))
        names = list(self.layer_names.values())
        if isinstance(value, dict) and not isinstance(self.input_names, dict):
            names = [self.layer_names.get(key, "") for key in sorted(value)]
        if len(flat) != len(names) or set(names) != set(self.layer_names.values()):
            wanted = ", ".join(f"'{name}'" for name in self.layer_names)
            raise invalid_at(given.place, f"This model needs one tensor for each of {wanted}.")
        return {name: CallArgument(t, given.place) for name, t in zip(names, flat, strict=True)}


@dataclass(frozen=True)
class Function:
    """A function of `keras.ops`."""

    operation: Operation
    layer: Fragment = field(default_factory=lambda: Fragment(None))
    """Empty: a function has no layer object."""

    def bind(self, call: Call) -> BoundArguments:
        """Return the arguments of a call, including those in the operation's config.

        Raises:
            Invalid: The function does not accept an argument.
        """
        return self.operation.bind(call)

    def inputs(self, tensors: Mapping[str, Any]) -> Any:
        """Return a node's `inputs`.

        Args:
            tensors: References by parameter name.
        """
        taken = list(self.operation.op.tensors)
        in_order = [name for name in taken if name in tensors]
        ordered = [tensors[name] for name in in_order]
        is_prefix = in_order == taken[: len(tensors)]
        if len(ordered) > 1 and is_prefix and all(map(_is_reference, ordered)):
            return ordered
        return _simplify_inputs(tensors, taken[0])

    def has_multiple_outputs(self, arguments: BoundArguments) -> bool:
        """Whether a call returns a list of tensors."""
        parts = arguments.constants.get("indices_or_sections")
        return self.operation.op.name in MULTIPLE_OUTPUTS and not (parts and parts.value in (1, []))


Callee = LayerCallee | NestedGraph | Function


def _is_reference(value: Any) -> bool:
    """Whether the value is one tensor reference, not a list of them."""
    return isinstance(value, str)


def _simplify_inputs(tensors: Mapping[str, Any], first: str | None) -> Any:
    """Return the first argument alone if it is the only one, otherwise the mapping."""
    return tensors[first] if first is not None and list(tensors) == [first] else dict(tensors)


def _return_states(layer: Any) -> Iterator[bool]:
    """Yield `return_state` of a layer object and of the layers that it wraps."""
    config = layer.get("config") if isinstance(layer, dict) else None
    if isinstance(config, dict):
        yield config.get("return_state") is True
        yield from _return_states(config.get("layer"))
