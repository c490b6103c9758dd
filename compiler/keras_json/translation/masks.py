"""Checks the masks given to nested models: a graph can express only those that Keras makes."""

from collections.abc import Iterable, Iterator, Set
from functools import cached_property

from compiler.keras_json.parsing.document import invalid_at
from compiler.keras_json.parsing.parsed_model import Call, Layer, Model, Tensor, tensors_in
from compiler.keras_json.translation.arguments import is_automatic_mask
from compiler.keras_json.translation.callees import MODEL_PARAMETERS
from compiler.keras_json.translation.operations import is_operation


class Masks:
    """The masks in one model: those that Keras makes and those that calls receive."""

    def __init__(self, model: Model) -> None:
        self._layers = model.layers

    def check_mask(self, call: Call) -> None:
        """Check that a call of a nested model receives only masks that Keras made.

        Raises:
            Invalid: The call receives another mask.
        """
        mask = call.bind(MODEL_PARAMETERS).get("mask")
        if mask is None or is_automatic_mask(mask.value):
            return
        if not all(self._is_made_by_keras(tensor) for tensor in tensors_in(mask.value)):
            detail = (
                "A nested graph has no argument for a mask; it receives only the masks that "
                "earlier layers make."
            )
            raise invalid_at(mask.place, detail)

    def _is_made_by_keras(self, mask: Tensor) -> bool:
        """Whether the mask is computed, by functions only, from masks that layers make."""
        waiting, seen = [mask], {mask}
        while waiting:
            tensor = waiting.pop()
            layer = self._layers.get(tensor.layer)
            if layer is None or not is_operation(layer.spec) or tensor.call >= len(layer.calls):
                return False
            if tensor not in self._origins:
                given = set(layer.calls[tensor.call].tensors())
                waiting += given - seen
                seen |= given
        return True

    @cached_property
    def _origins(self) -> Set[Tensor]:
        """The masks of Embedding and Masking layers, which Keras writes as operations."""
        embedding = self._results("NotEqual", self._masked_tensors("Embedding"))
        compared = self._results("NotEqual", self._masked_tensors("Masking"))
        return {*embedding, *self._results("Any", compared)}

    def _masked_tensors(self, kind: str) -> Iterator[Tensor]:
        """Yield the inputs of the layers of type `kind` that make masks."""
        for layer in self._layers_of(kind):
            config = layer.spec.get("config")
            if kind == "Masking" or (isinstance(config, dict) and config.get("mask_zero") is True):
                yield from (tensor for call in layer.calls for tensor in call.tensors())

    def _results(self, kind: str, given: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the results of the operations of type `kind` that take one of the tensors."""
        known = set(given)
        for layer in self._layers_of(kind):
            for i, call in enumerate(layer.calls):
                if known & set(call.tensors()):
                    yield Tensor(layer.name, i, 0, call.place)

    def _layers_of(self, kind: str) -> Iterator[Layer]:
        return (found for found in self._layers.values() if found.spec.get("class_name") == kind)
