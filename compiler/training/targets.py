"""Whether losses and metrics fit an output and its target, found without a row of data."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from compiler.model.keras_errors import locate_keras_errors
from domain.dtype import NUMBERS, TEXT
from domain.errors import Fault, Invalid
from domain.graph.walk import Place
from domain.pointer import pointer

Shape = tuple[int | None, ...]


class Spec(NamedTuple):
    """A tensor's shape, batch first, and dtype."""

    shape: Shape
    dtype: str

    @classmethod
    def of_column(cls, shape: list[int], dtype: str) -> "Spec":
        """A target as Keras gets it: a column of scalars becomes one of rows of one."""
        known = dtype if dtype in NUMBERS else TEXT
        return cls((None, *shape) if shape else (None, 1), known)


class Pair(NamedTuple):
    """An output and the column it is compared with."""

    output: Spec
    target: Spec
    column: str

    @property
    def told(self) -> str:
        """Both shapes, in words."""
        return (
            f"the output is {list(self.output.shape)} and its target '{self.column}' "
            f"{list(self.target.shape)} ({self.target.dtype})"
        )


def fit_faults(name: str, compare: Any, pair: Pair, place: Place) -> Iterator[Fault]:
    """Why a loss or metric does not fit a pair.

    Args:
        name: Of the loss or metric, in Keras's snake case or as a class.
        compare: A Keras loss or metric object.
        pair: The output and its target.
        place: Where the loss or metric stands in the request.
    """
    broken = "a target of numbers" if pair.target.dtype == TEXT else _rule_of(name)(pair)
    if broken:
        detail = f"'{name}' needs {broken}; {pair.told}."
        yield Fault(pointer=pointer(*place), detail=detail)
        return
    try:
        with locate_keras_errors(place):
            _trace(compare, pair)
    except Invalid as refusal:
        for fault in refusal.faults:
            detail = f"'{name}' does not fit: {pair.told}. {fault.detail}"
            yield Fault(pointer=fault.pointer, detail=detail)


def by_shapes(name: str, pair: Pair) -> str:
    """What Keras takes `accuracy` or `crossentropy` for, given the shapes."""
    output, target = pair.output.shape, pair.target.shape
    if output[-1] == 1:
        return f"binary_{name}"
    wide = output[-1] is not None and output[-1] > 1
    if len(target) < len(output) or (target[-1] == 1 and wide):
        return f"sparse_categorical_{name}"
    return f"categorical_{name}"


def _trace(compare: Any, pair: Pair) -> None:
    """Run the comparison symbolically, in a graph that is thrown away."""

    def compared(target: Any, output: Any) -> Any:
        return compare(target, output)

    specs = [tf.TensorSpec(s.shape, s.dtype) for s in (pair.target, pair.output)]
    tf.function(compared, autograph=False).get_concrete_function(*specs)


def _sparse(pair: Pair) -> str | None:
    if not keras.backend.is_int_dtype(pair.target.dtype) and pair.target.dtype != "bool":
        return "whole numbers (class indices) as its target"
    shape, output = pair.target.shape, pair.output.shape
    fits = _alike(shape, output[:-1]) or _alike(shape, (*output[:-1], 1))
    return None if fits else "one class index where the output has a row of classes"


def _equal(pair: Pair) -> str | None:
    if _alike(pair.target.shape, pair.output.shape):
        return None
    return "a target of the output's shape (one-hot; for class indices take the sparse form)"


def _equal_but_one(pair: Pair) -> str | None:
    target, output = pair.target.shape, pair.output.shape
    fits = (target, (*target, 1), target[:-1] if target[-1] == 1 else target)
    return None if any(_alike(t, output) for t in fits) else "a target of the output's shape"


def _broadcast(pair: Pair) -> str | None:
    target, output = pair.target.shape, pair.output.shape
    if len(target) != len(output) or 1 in (target[-1], output[-1]):
        return None
    return None if _alike(target[-1:], output[-1:]) else "a target of the output's shape"


def _alike(one: Shape, other: Shape) -> bool:
    """Equal as far as both are known."""
    return len(one) == len(other) and all(
        a == b or a is None or b is None for a, b in zip(one, other, strict=True)
    )


_RULES: Mapping[str, Callable[[Pair], str | None]] = {
    "sparse": _sparse,
    "categorical": _equal,
    "binary": _equal_but_one,
    "bce": _equal_but_one,
}


def _rule_of(name: str) -> Callable[[Pair], str | None]:
    rules = (rule for start, rule in _RULES.items() if name.lower().startswith(start))
    return next(rules, _broadcast)
