"""References to tensors: bare, or with a pick where a call gives several."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from compiler.keras_json.parsing.calls import Tensor
from compiler.keras_json.parsing.document import refused
from compiler.keras_json.translation.naming import CallKey, Naming


class References(NamedTuple):
    """How the nodes and outputs of one graph refer to its tensors."""

    naming: Naming
    several: frozenset[CallKey]
    """The calls that give several tensors."""
    outputs: Mapping[str, tuple[str, ...]]
    """Of the layers that are models: the names of their outputs, in Keras's order."""

    def to(self, tensor: Tensor) -> str:
        """The reference to a tensor.

        Raises:
            Invalid: the model has no such tensor.
        """
        if tensor.layer in self.naming.inputs and (tensor.call, tensor.index) == (0, 0):
            return self.naming.inputs[tensor.layer]
        name = self.naming.nodes.get((tensor.layer, tensor.call))
        if name is None or tensor.index < 0:
            detail = f"This model has no such tensor of a layer '{tensor.layer}'."
            raise refused(tensor.place, detail)
        pick = self._pick(tensor)
        return name if pick is None else f"{name}:{pick}"

    def all_in(self, value: Any) -> Any:
        """The same lists and mappings with references in the places of tensors."""
        if isinstance(value, Tensor):
            return self.to(value)
        if isinstance(value, dict):
            return {key: self.all_in(item) for key, item in value.items()}
        return [self.all_in(item) for item in value]

    def _pick(self, tensor: Tensor) -> str | None:
        outputs = self.outputs.get(tensor.layer)
        if outputs is None:
            return str(tensor.index) if (tensor.layer, tensor.call) in self.several else None
        if tensor.index >= len(outputs):
            detail = f"The model '{tensor.layer}' has {len(outputs)} outputs."
            raise refused(tensor.place, detail)
        return outputs[tensor.index] if len(outputs) > 1 else None
