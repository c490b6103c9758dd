"""What a node gives: one tensor, or several that references pick from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from domain.errors import Fault, Invalid, did_you_mean
from domain.graph.language import Reference
from domain.graph.shapes import MOST_AXES
from domain.graph.walk import Place
from domain.pointer import pointer


@dataclass(frozen=True)
class Tensors:
    """The tensors of one node or input, by their picks."""

    picks: Mapping[str, Any]
    is_named: bool = False
    """The picks are output names, of use even when there is only one."""

    @classmethod
    def of(cls, result: Any, outputs: Sequence[str] | None = None) -> "Tensors":
        """Read what a layer returned.

        Args:
            result: A tensor, or any nesting of tensors.
            outputs: The output names of a graph or model, in its order.
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


def refuse_many_axes(tensors: Iterable[Any]) -> None:
    """See that none has more axes than TensorFlow bears.

    Raises:
        ValueError: one has.
    """
    most = max((len(tensor.shape) for tensor in tensors), default=0)
    if most > MOST_AXES:
        raise ValueError(f"A tensor has at most {MOST_AXES} axes; this one would have {most}.")


class Board:
    """The tensors of every node that was called, read by reference."""

    def __init__(self) -> None:
        self._tensors: dict[str, Tensors] = {}

    def put(self, name: str, tensors: Tensors) -> None:
        """Keep what a node or input gives."""
        self._tensors[name] = tensors

    def has(self, text: str) -> bool:
        """Whether the node or input that is referred to has been called."""
        return Reference.parse(text).target in self._tensors

    def read(self, text: str, place: Place) -> Any:
        """The tensor that a reference names.

        Raises:
            Invalid: it picks none, or one that is not there; the fault lies at `place`.
        """
        target, pick = Reference.parse(text)
        tensors = self._tensors[target]
        if pick is None and len(tensors.picks) == 1:
            return tensors.all[0]
        pickable = tensors.is_named or len(tensors.picks) > 1
        if pick is not None and pick in tensors.picks and pickable:
            return tensors.picks[pick]
        raise Invalid([Fault(pointer=pointer(*place), detail=_choice(target, pick, tensors))])


def _choice(target: str, pick: str | None, tensors: Tensors) -> str:
    listed = ", ".join(f"'{target}:{key}'" for key in tensors.picks)
    if pick is None:
        return f"'{target}' gives {len(tensors.picks)} tensors; pick one: {listed}."
    if len(tensors.picks) == 1 and not tensors.is_named:
        return f"'{target}' gives a single tensor; leave ':{pick}' out."
    near = did_you_mean(pick, tensors.picks)
    return f"'{target}' has no tensor '{pick}'; there are {listed}.{near}"
