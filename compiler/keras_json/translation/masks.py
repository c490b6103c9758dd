"""Masks of nested models: Keras's own go along by themselves, others no graph can say."""

from collections.abc import Iterable, Iterator, Set
from functools import cached_property

from compiler.keras_json.parsing.document import invalid_at
from compiler.keras_json.parsing.parsed_model import Call, Layer, Model, Tensor, tensors_in
from compiler.keras_json.translation.arguments import is_automatic_mask
from compiler.keras_json.translation.callees import MODEL_PARAMETERS
from compiler.keras_json.translation.operations import is_operation


class Masks:
    """The masks that the calls of one model make and are given."""

    def __init__(self, model: Model) -> None:
        self._layers = model.layers

    def check_mask(self, call: Call) -> None:
        """See that a call of a nested model is given no mask but Keras's own.

        Raises:
            Invalid: it is given another.
        """
        mask = call.bind(MODEL_PARAMETERS).get("mask")
        if mask is None or is_automatic_mask(mask.value):
            return
        if not all(self._is_of_keras(tensor) for tensor in tensors_in(mask.value)):
            detail = "No graph in a graph takes a mask; only those of the layers before go along."
            raise invalid_at(mask.place, detail)

    def _is_of_keras(self, mask: Tensor) -> bool:
        """Whether functions alone lead to it, from masks of what some layer masks."""
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
        """What is made of a layer's own tensors as Keras does to mask them."""
        compared = set(self._made("NotEqual", self._masked("Embedding")))
        return compared | set(self._made("Any", self._made("NotEqual", self._masked("Masking"))))

    def _masked(self, kind: str) -> Iterator[Tensor]:
        """What the layers of a kind are called on, for which they make masks."""
        for layer in self._of(kind):
            config = layer.spec.get("config")
            if kind == "Masking" or (isinstance(config, dict) and config.get("mask_zero") is True):
                yield from (tensor for call in layer.calls for tensor in call.tensors())

    def _made(self, kind: str, given: Iterable[Tensor]) -> Iterator[Tensor]:
        """What operations of a kind make of some tensors."""
        known = set(given)
        for layer in self._of(kind):
            for i, call in enumerate(layer.calls):
                if known & set(call.tensors()):
                    yield Tensor(layer.name, i, 0, call.place)

    def _of(self, kind: str) -> Iterator[Layer]:
        return (found for found in self._layers.values() if found.spec.get("class_name") == kind)
