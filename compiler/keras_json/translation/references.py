"""References to tensors, and which calls and tensors of a model are used."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from compiler.keras_json.parsing.document import invalid_at
from compiler.keras_json.parsing.parsed_model import Model, Tensor, tensors_in
from compiler.keras_json.translation.arguments import BoundArguments
from compiler.keras_json.translation.callees import Callee, Function
from compiler.keras_json.translation.names import CallKey, GraphNames


class References(NamedTuple):
    """How the nodes and outputs of one graph refer to its tensors."""

    choose_names: GraphNames
    several: frozenset[CallKey]
    """The calls that give several tensors."""
    outputs: Mapping[str, tuple[str, ...]]
    """Of the layers that are models: the names of their outputs, in Keras's order."""

    def to(self, tensor: Tensor) -> str:
        """The reference to a tensor.

        Raises:
            Invalid: the model has no such tensor.
        """
        if tensor.layer in self.choose_names.inputs and (tensor.call, tensor.index) == (0, 0):
            return self.choose_names.inputs[tensor.layer]
        name = self.choose_names.nodes.get((tensor.layer, tensor.call))
        if name is None or tensor.index < 0:
            detail = f"This model has no such tensor of a layer '{tensor.layer}'."
            raise invalid_at(tensor.place, detail)
        pick = self._pick(tensor)
        return name if pick is None else f"{name}:{pick}"

    def replace_tensors(self, value: Any) -> Any:
        """The same lists and mappings with references in the places of tensors."""
        if isinstance(value, Tensor):
            return self.to(value)
        if isinstance(value, dict):
            return {key: self.replace_tensors(item) for key, item in value.items()}
        return [self.replace_tensors(item) for item in value]

    def _pick(self, tensor: Tensor) -> str | None:
        outputs = self.outputs.get(tensor.layer)
        if outputs is None:
            return str(tensor.index) if (tensor.layer, tensor.call) in self.several else None
        if tensor.index >= len(outputs):
            detail = f"The model '{tensor.layer}' has {len(outputs)} outputs."
            raise invalid_at(tensor.place, detail)
        return outputs[tensor.index] if len(outputs) > 1 else None


class TensorUses:
    """The calls of one model, and which tensors go where."""

    def __init__(
        self, model: Model, callees: Mapping[str, Callee], bound: Mapping[CallKey, BoundArguments]
    ) -> None:
        self._model, self._callees, self._bound = model, callees, bound

    def live(self) -> set[CallKey]:
        """The calls that lead to an output, and those of layers, which hold weights.

        A function that only made a mask which goes along by itself is not among them.
        """
        waiting = [(tensor.layer, tensor.call) for tensor in tensors_in(self._model.outputs)]
        waiting += [key for key in self._bound if not isinstance(self._callees[key[0]], Function)]
        live: set[CallKey] = set()
        while waiting:
            key = waiting.pop()
            if key not in live and key in self._bound:
                live.add(key)
                waiting += [(tensor.layer, tensor.call) for tensor in self.tensors(key)]
        return live

    def several(self) -> frozenset[CallKey]:
        """The calls that give several tensors, by what is called or because a later one is used."""
        told = {
            key for key, b in self._bound.items() if self._callees[key[0]].has_multiple_outputs(b)
        }
        used = [tensor for key in self._bound for tensor in self.tensors(key)]
        used += tensors_in(self._model.outputs)
        return frozenset(told | {(t.layer, t.call) for t in used if t.index > 0})

    def tensors(self, key: CallKey) -> Iterator[Tensor]:
        """Those that one call takes."""
        for given in self._bound[key].tensors.values():
            yield from tensors_in(given.value)
