"""What a model makes of the tensors that its calls give."""

from collections.abc import Iterator, Mapping

from compiler.keras_json.parsing.calls import Model, Tensor, tensors_in
from compiler.keras_json.translation.binding import Bound
from compiler.keras_json.translation.callees import AnyCallee, Function
from compiler.keras_json.translation.naming import CallKey


class Uses:
    """The calls of one model, and which tensors go where."""

    def __init__(
        self, model: Model, callees: Mapping[str, AnyCallee], bound: Mapping[CallKey, Bound]
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
        told = {key for key, b in self._bound.items() if self._callees[key[0]].gives_several(b)}
        used = [tensor for key in self._bound for tensor in self.tensors(key)]
        used += tensors_in(self._model.outputs)
        return frozenset(told | {(t.layer, t.call) for t in used if t.index > 0})

    def tensors(self, key: CallKey) -> Iterator[Tensor]:
        """Those that one call takes."""
        for given in self._bound[key].tensors.values():
            yield from tensors_in(given.value)
