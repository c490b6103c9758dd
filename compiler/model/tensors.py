"""The tensors that nodes return, and the references to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from compiler.model.refusals import Refusal
from domain.errors import Fault, Invalid, did_you_mean
from domain.graph.language import Reference
from domain.graph.shapes import MOST_AXES
from domain.graph.walk import Place
from domain.json.pointer import pointer


@dataclass(frozen=True)
class Tensors:
    """The tensors of one node or input."""

    picks: Mapping[str, Any]
    """The tensors by the part of a reference after its colon."""
    is_named: bool = False
    """Whether the keys are output names; then a reference may pick a single tensor by name."""

    @classmethod
    def of(cls, result: Any, outputs: Sequence[str] | None = None) -> "Tensors":
        """Return the tensors of a call's result by name or number.

        Args:
            result: A tensor, or any nesting of tensors.
            outputs: The output names of a nested graph or model, in order.
        """
        if outputs is not None:
            named = result if isinstance(result, dict) else {outputs[0]: result}
            return cls({name: named[name] for name in outputs}, is_named=True)
        flat = [result] if not keras.tree.is_nested(result) else keras.tree.flatten(result)
        return cls({str(i): tensor for i, tensor in enumerate(flat)})

    @property
    def all(self) -> tuple[Any, ...]:
        """Every tensor, in order."""
        return tuple(self.picks.values())


def refuse_results(name: str, results: Iterable[Any]) -> None:
    """Refuse results that are not symbolic tensors, or have more axes than TensorFlow supports.

    Args:
        name: The layer's type or the operation's name.
        results: What Keras returned for its call.

    Raises:
        Refusal: A result cannot be part of a graph.
    """
    for tensor in results:
        if not isinstance(tensor, keras.KerasTensor):
            raise Refusal(f"With these arguments, '{name}' does not return a tensor of the graph.")
        axes = len(tensor.shape)
        if axes > MOST_AXES:
            raise Refusal(f"A tensor has at most {MOST_AXES} axes; this one would have {axes}.")


class NodeTensors:
    """The tensors of the inputs and of all nodes that were called."""

    def __init__(self) -> None:
        self._tensors: dict[str, Tensors] = {}

    def add(self, name: str, tensors: Tensors) -> None:
        """Add the tensors of a node or input."""
        self._tensors[name] = tensors

    def has(self, text: str) -> bool:
        """Return whether the node or input that a reference names was added."""
        return Reference.parse(text).target in self._tensors

    def read(self, text: str, place: Place) -> Any:
        """Read the tensor that a reference names.

        Args:
            text: The reference.
            place: The place of the reference in the document.

        Raises:
            Invalid: The reference picks none of several tensors, or one that does not exist.
        """
        target, pick = Reference.parse(text)
        tensors = self._tensors[target]
        if pick is None and len(tensors.picks) == 1:
            return tensors.all[0]
        pickable = tensors.is_named or len(tensors.picks) > 1
        if pick is not None and pick in tensors.picks and pickable:
            return tensors.picks[pick]
        raise Invalid(
            [Fault(pointer=pointer(*place), detail=_describe_misfit(target, pick, tensors))]
        )


def _describe_misfit(target: str, pick: str | None, tensors: Tensors) -> str:
    listed = ", ".join(f"'{target}:{key}'" for key in tensors.picks)
    if pick is None:
        return f"'{target}' gives {len(tensors.picks)} tensors; pick one: {listed}."
    if len(tensors.picks) == 1 and not tensors.is_named:
        return f"'{target}' gives a single tensor; leave ':{pick}' out."
    near = did_you_mean(pick, tensors.picks)
    return f"'{target}' has no tensor '{pick}'; there are {listed}.{near}"
