"""References to tensors, and the calls and tensors that a model uses."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from compiler.keras_json.parsing.document import invalid_at
from compiler.keras_json.parsing.parsed_model import Model, Tensor, tensors_in
from compiler.keras_json.translation.arguments import BoundArguments
from compiler.keras_json.translation.callees import Callee, Function
from compiler.keras_json.translation.names import CallKey, GraphNames


class References(NamedTuple):
    """The references of one graph to its tensors, as nodes and outputs write them."""

    names: GraphNames
    multiple_outputs: frozenset[CallKey]
    """The calls that return several tensors."""
    outputs: Mapping[str, tuple[str, ...]]
    """The names of the outputs of nested models, in Keras's order, by layer name."""

    def reference_to(self, tensor: Tensor) -> str:
        """Return the reference to a tensor, e.g. `dense` or `lstm:1`.

        Raises:
            Invalid: The model has no such tensor.
        """
        if tensor.layer in self.names.inputs and (tensor.call, tensor.index) == (0, 0):
            return self.names.inputs[tensor.layer]
        name = self.names.nodes.get((tensor.layer, tensor.call))
        if name is None or tensor.index < 0:
            detail = f"This model has no such tensor of a layer '{tensor.layer}'."
            raise invalid_at(tensor.place, detail)
        output = self._output_of(tensor)
        return name if output is None else f"{name}:{output}"

    def replace_tensors(self, value: Any) -> Any:
        """Return the lists and mappings with each tensor replaced by the reference to it."""
        if isinstance(value, Tensor):
            return self.reference_to(value)
        if isinstance(value, dict):
            return {key: self.replace_tensors(item) for key, item in value.items()}
        return [self.replace_tensors(item) for item in value]

    def _output_of(self, tensor: Tensor) -> str | None:
        """Return the name or number of the tensor among its call's; None if it is the only one."""
        outputs = self.outputs.get(tensor.layer)
        if outputs is None:
            has_others = (tensor.layer, tensor.call) in self.multiple_outputs
            return str(tensor.index) if has_others else None
        if tensor.index >= len(outputs):
            detail = f"The model '{tensor.layer}' has {len(outputs)} outputs."
            raise invalid_at(tensor.place, detail)
        return outputs[tensor.index] if len(outputs) > 1 else None


class TensorUses:
    """The calls of one model, and the tensors that they take."""

    def __init__(
        self,
        model: Model,
        callees: Mapping[str, Callee],
        arguments: Mapping[CallKey, BoundArguments],
    ) -> None:
        self._model, self._callees, self._arguments = model, callees, arguments

    def needed_calls(self) -> set[CallKey]:
        """Return the calls of layers, and the calls on which an output or a layer depends.

        A function that only computes a mask is not needed: Keras computes the mask by itself.
        """
        waiting = [(tensor.layer, tensor.call) for tensor in tensors_in(self._model.outputs)]
        waiting += [k for k in self._arguments if not isinstance(self._callees[k[0]], Function)]
        needed: set[CallKey] = set()
        while waiting:
            key = waiting.pop()
            if key not in needed and key in self._arguments:
                needed.add(key)
                waiting += [(tensor.layer, tensor.call) for tensor in self.tensors(key)]
        return needed

    def calls_with_multiple_outputs(self) -> frozenset[CallKey]:
        """Return the calls that return several tensors.

        A callee says so itself, or the model uses a tensor of the call other than the first.
        """
        by_callee = {
            key
            for key, arguments in self._arguments.items()
            if self._callees[key[0]].has_multiple_outputs(arguments)
        }
        used = [tensor for key in self._arguments for tensor in self.tensors(key)]
        used += tensors_in(self._model.outputs)
        return frozenset(by_callee | {(t.layer, t.call) for t in used if t.index > 0})

    def tensors(self, key: CallKey) -> Iterator[Tensor]:
        """Iterate over the tensors that one call takes."""
        for given in self._arguments[key].tensors.values():
            yield from tensors_in(given.value)
