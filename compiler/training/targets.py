"""Checks whether losses and metrics fit an output and its target, without a row of data."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from compiler.model.keras_errors import locate_keras_errors
from domain.check import ColumnSpec
from domain.dtype import NUMBERS, TEXT
from domain.errors import Fault, Invalid
from domain.graph.shapes import fits, format_shape
from domain.graph.walk import Place
from domain.job.targets import TargetCheck
from domain.pointer import pointer

Shape = tuple[int | None, ...]

_BINARY = ("binary", "bce")
_ONE_HOT = "categorical"
_SPARSE = "sparse"
"""How the names of the losses and metrics on classes begin."""
_SHARES = frozenset(
    {
        "binarycrossentropy", "binaryfocalcrossentropy", "bce",
        "categoricalcrossentropy", "categoricalfocalcrossentropy",
    }
)  # fmt: skip
"""Losses whose targets are shares of a class, from 0 to 1."""
_OWN_SHAPES = frozenset({"ctc", "circle"})
"""Losses whose targets have another shape than the output."""


class Spec(NamedTuple):
    """The shape of a tensor, with the batch axis, and its dtype."""

    shape: Shape
    dtype: str

    @classmethod
    def of_column(cls, column: ColumnSpec) -> "Spec":
        """A target as Keras gets it: a column of scalars has rows of one value."""
        known = column.dtype if column.dtype in NUMBERS else TEXT
        return cls((None, *column.shape) if column.shape else (None, 1), known)


class Pair(NamedTuple):
    """An output, and the column that it is compared with."""

    name: str
    """The name of the output."""
    output: Spec
    column_name: str
    column: ColumnSpec

    @property
    def target(self) -> Spec:
        """The column as Keras gets it."""
        return Spec.of_column(self.column)

    @property
    def row(self) -> list[int | None]:
        """The shape of one row of the output."""
        return list(self.output.shape[1:])

    def describe(self) -> str:
        """Both shapes in words."""
        return (
            f"the output is {list(self.output.shape)} and its target '{self.column_name}' "
            f"{list(self.target.shape)} ({self.target.dtype})"
        )


def find_misfits(name: str, compare: Any, pair: Pair, place: Place) -> Iterator[Fault]:
    """Find why a loss or metric does not fit an output and its target.

    Args:
        name: The name of the loss or metric, in snake case or as a class.
        compare: The Keras object.
        pair: The output and its target.
        place: The place of the loss or metric in the request.
    """
    needed = "a target of numbers" if pair.target.dtype == TEXT else _rule_of(name)(pair)
    if needed:
        detail = f"'{name}' needs {needed}; {pair.describe()}."
        yield Fault(pointer=pointer(*place), detail=detail)
        return
    try:
        with locate_keras_errors(place):
            _trace(compare, pair)
    except Invalid as refusal:
        for fault in refusal.faults:
            detail = f"'{name}' does not fit: {pair.describe()}. {fault.detail}"
            yield Fault(pointer=fault.pointer, detail=detail)


def find_single_class(name: str, pair: Pair, place: Place) -> Iterator[Fault]:
    """Find whether a loss takes class indices but the output has a single class."""
    if name.lower().startswith(_SPARSE) and pair.row[-1:] == [1]:
        yield Fault(
            pointer=pointer(*place),
            detail=f"Output '{pair.name}' gives one number in each row; class indices need one "
            "for each class. For two classes use 'binary_crossentropy'.",
        )


def check_target(name: str, config: Mapping[str, Any], pair: Pair) -> TargetCheck:
    """Check the shape of a target, and find the values that its loss takes.

    Args:
        name: The name of the loss, in snake case or as a class; it fits the pair.
        config: The loss's config.
        pair: The output and its target.
    """
    plain = name.replace("_", "").lower()
    if plain.startswith(_SPARSE):
        ignores_class = config.get("ignore_class") is not None
        classes = None if ignores_class or not pair.row else pair.row[-1]
        faults = list(_find_other_index_shape(pair))
        return TargetCheck(faults=faults, values="class index", classes=classes)
    faults = [] if plain in _OWN_SHAPES else list(_find_other_shape(pair))
    takes_shares = plain in _SHARES and not faults
    return TargetCheck(faults=faults, values="share" if takes_shares else None)


def name_by_shapes(name: str, pair: Pair) -> str:
    """The name of the loss or metric that Keras uses for `accuracy` or `crossentropy`."""
    output, target = pair.output.shape, pair.target.shape
    if output[-1] == 1:
        return f"binary_{name}"
    is_wide = output[-1] is not None and output[-1] > 1
    if len(target) < len(output) or (target[-1] == 1 and is_wide):
        return f"sparse_categorical_{name}"
    return f"categorical_{name}"


def _find_other_shape(pair: Pair) -> Iterator[str]:
    """Find whether a target has another shape than the output; an axis of 1 at the end is free.

    Keras would broadcast the two, which computes something else than was meant.
    """
    row = pair.row
    allowed = [row, [*row, 1], *([row[:-1]] if row[-1:] == [1] else [])]
    if not any(fits(pair.column.shape, shape) for shape in allowed):
        yield (
            f"Column '{pair.column_name}' has the shape {pair.column.shape} in each row; output "
            f"'{pair.name}' has {format_shape(row)}."
        )


def _find_other_index_shape(pair: Pair) -> Iterator[str]:
    """Find whether a target has another shape than the output without its axis of classes."""
    wanted = pair.row[:-1]
    if not (fits(pair.column.shape, wanted) or fits(pair.column.shape, [*wanted, 1])):
        yield (
            f"Column '{pair.column_name}' has the shape {pair.column.shape} in each row; class "
            f"indices of output '{pair.name}' have {format_shape(wanted)}."
        )


def _trace(compare: Any, pair: Pair) -> None:
    """Trace the comparison in a graph that is thrown away."""

    def call(target: Any, output: Any) -> Any:
        return compare(target, output)

    specs = [tf.TensorSpec(s.shape, s.dtype) for s in (pair.target, pair.output)]
    tf.function(call, autograph=False).get_concrete_function(*specs)


def _need_class_indices(pair: Pair) -> str | None:
    if not keras.backend.is_int_dtype(pair.target.dtype) and pair.target.dtype != "bool":
        return "whole numbers (class indices) as its target"
    shape, output = pair.target.shape, pair.output.shape
    if _agree(shape, output[:-1]) or _agree(shape, (*output[:-1], 1)):
        return None
    hint = "; for one-hot targets take the categorical form" if _agree(shape, output) else ""
    return f"one class index where the output has a row of classes{hint}"


def _need_one_hot(pair: Pair) -> str | None:
    if _agree(pair.target.shape, pair.output.shape):
        return None
    return "a target of the output's shape (one-hot; for class indices take the sparse form)"


def _need_equal_shape(pair: Pair) -> str | None:
    """An axis of 1 at the end may be missing or added."""
    target, output = pair.target.shape, pair.output.shape
    allowed = (target, (*target, 1), target[:-1] if target[-1] == 1 else target)
    return None if any(_agree(t, output) for t in allowed) else "a target of the output's shape"


def _need_broadcast(pair: Pair) -> str | None:
    """The last axes must be equal, or one of them 1."""
    target, output = pair.target.shape, pair.output.shape
    if len(target) != len(output) or 1 in (target[-1], output[-1]):
        return None
    return None if _agree(target[-1:], output[-1:]) else "a target of the output's shape"


def _agree(one: Shape, other: Shape) -> bool:
    """Whether two shapes are equal where both lengths are known."""
    return len(one) == len(other) and all(
        a == b or a is None or b is None for a, b in zip(one, other, strict=True)
    )


_RULES: Mapping[str, Callable[[Pair], str | None]] = {
    _SPARSE: _need_class_indices,
    _ONE_HOT: _need_one_hot,
    **dict.fromkeys(_BINARY, _need_equal_shape),
}


def _rule_of(name: str) -> Callable[[Pair], str | None]:
    rules = (rule for start, rule in _RULES.items() if name.lower().startswith(start))
    return next(rules, _need_broadcast)
