"""Checks whether losses and metrics fit an output and its target, without a row of data."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import keras
import tensorflow as tf

from compiler.model.keras_errors import locate_keras_errors
from domain.check import ColumnSpec
from domain.dtype import NUMBERS, TEXT
from domain.errors import Fault, Invalid
from domain.graph.shapes import fits, format_shape
from domain.graph.walk import Place
from domain.job.recipe import NameOrComponent, OutputRecipe
from domain.job.targets import (
    INDEXED,
    ClassWeighting,
    TargetCheck,
    simplify_name,
    takes_indices,
)
from domain.json.pointer import pointer

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
_UNIONS = ("iou", "meaniou", "onehotiou", "onehotmeaniou")
"""Metrics on the intersection and the union of classes, by class index or one-hot."""
_NUMBERS = (
    "a target of numbers (text is encoded as classes for categorical, sparse categorical and "
    "binary losses)"
)
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
    def fed(self) -> Spec:
        """The column as the training process feeds it: single numbers have no further axis."""
        return Spec((None, *self.column.shape), self.target.dtype)

    def choose_target(self, loss: str) -> Spec:
        """Return the column as a loss gets it, by the loss's name."""
        return self.fed if simplify_name(loss) == INDEXED else self.target

    @property
    def measured(self) -> Spec:
        """The column as metrics get it: with the last axis of an output of one unit."""
        return Spec((*self.fed.shape, 1), self.fed.dtype) if self.lacks_axis else self.fed

    @property
    def lacks_axis(self) -> bool:
        """Whether the output ends with an axis of length 1 that the column lacks."""
        return self.row[-1:] == [1] and len(self.column.shape) == len(self.row) - 1

    @property
    def row(self) -> list[int | None]:
        """The shape of one row of the output."""
        return list(self.output.shape[1:])

    @classmethod
    def find(
        cls,
        name: str,
        part: OutputRecipe,
        column: ColumnSpec | None,
        outputs: Mapping[str, Any],
    ) -> "Pair | None":
        """Return an output and its target; None if the output has no target.

        Args:
            name: The name of the output.
            part: The recipe of the output.
            column: The target as the training feeds it; None if the output has none.
            outputs: The model's symbolic outputs by name.
        """
        if part.target is None or column is None:
            return None
        tensor = outputs[name]
        return cls(name, Spec(tuple(tensor.shape), tensor.dtype), part.target, column)

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
    faults, _ = trace_comparison(name, compare, pair, place)
    yield from faults


def trace_comparison(
    name: str,
    compare: Any,
    pair: Pair,
    place: Place,
    target: Spec | None = None,
    rows: int | None = None,
) -> tuple[list[Fault], Shape]:
    """Trace a loss or metric, and find why it does not fit.

    Args:
        name: The name of the loss or metric, in snake case or as a class.
        compare: The Keras object.
        pair: The output and its target.
        place: The place of the loss or metric in the request.
        target: The target as the Keras object gets it; None: that of the pair.
        rows: The number of rows; None: an unknown number, with which Keras cannot see every misfit.

    Returns:
        The faults, and the shape of the value; it is empty if there are faults.
    """
    needed = _NUMBERS if pair.target.dtype == TEXT else _rule_of(name)(pair)
    if needed:
        detail = f"'{name}' needs {needed}; {pair.describe()}."
        return [Fault(pointer=pointer(*place), detail=detail)], ()
    try:
        with locate_keras_errors(place):
            return [], _trace(compare, pair.output, target or pair.target, rows)
    except Invalid as refusal:
        words = f"'{name}' does not fit: {pair.describe()}."
        faults = [
            Fault(pointer=fault.pointer, detail=f"{words} {fault.detail}")
            for fault in refusal.faults
        ]
        return faults, ()


def find_unfit_weights(
    name: str, metric: Any, pair: Pair, weights: Shape, place: Place
) -> list[Fault]:
    """Find why a metric cannot take weights.

    Args:
        name: The name of the metric.
        metric: The Keras metric; its state is thrown away.
        pair: The output and its target.
        weights: The shape of the weights of some rows, with the batch axis.
        place: The place of the metric in the request.
    """

    def call(target: Any, output: Any, weight: Any) -> Any:
        metric.update_state(target, output, sample_weight=weight)
        return metric.result()

    rows = weights[0]
    specs = [tf.TensorSpec((rows, *s.shape[1:]), s.dtype) for s in (pair.measured, pair.output)]
    try:
        with locate_keras_errors(place):
            tf.function(call, autograph=False).get_concrete_function(
                *specs, tf.TensorSpec(weights, "float32")
            )
    except Invalid as refusal:
        detail = (
            f"'{name}' cannot weigh the rows of output '{pair.name}'; list it under `metrics`, "
            "which takes no weights."
        )
        return [
            Fault(pointer=fault.pointer, detail=f"{detail} {fault.detail}")
            for fault in refusal.faults
        ]
    return []


def find_single_class(name: str, pair: Pair, place: Place) -> Iterator[Fault]:
    """Find whether a loss takes class indices but the output has a single class."""
    if takes_indices(name) and pair.row[-1:] == [1]:
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
    plain = simplify_name(name)
    if takes_indices(name):
        ignores_class = config.get("ignore_class") is not None
        classes = None if ignores_class or not pair.row else pair.row[-1]
        faults = list(_find_other_index_shape(pair))
        return TargetCheck(faults=faults, values="class index", classes=classes)
    faults = [] if plain in _OWN_SHAPES else list(_find_other_shape(pair))
    takes_shares = plain in _SHARES and not faults
    return TargetCheck(faults=faults, values="share" if takes_shares else None)


def find_metric_misfits(spec: NameOrComponent, name: str, pair: Pair) -> list[str]:
    """Find why a metric that compares value by value does not fit a target's shape.

    Args:
        spec: The metric.
        name: The name of the metric, in snake case or as a class.
        pair: The output and its target.
    """
    config = get_config(spec)
    if name.lower() not in _UNIONS:
        return check_target(name, config, pair).faults
    if config.get("axis", -1) != -1:
        return []
    is_one_hot = "onehot" in name.lower()
    has_classes = not config.get("sparse_y_pred", not is_one_hot)
    has_one_hot = is_one_hot or not config.get("sparse_y_true", True)
    row = pair.row[:-1] if has_classes else pair.row
    column = pair.column.shape[:-1] if has_one_hot else pair.column.shape
    allowed = (row, [*row, 1], row[:-1] if row[-1:] == [1] else row)
    lacks_classes = has_one_hot and pair.column.shape[-1:] in ([], [1])
    if not lacks_classes and any(fits(column, shape) for shape in allowed):
        return []
    kind = "a row of classes" if has_one_hot else "a class index"
    return [
        f"Column '{pair.column_name}' has the shape {pair.column.shape} in each row; '{name}' of "
        f"output '{pair.name}' compares {format_shape(row)} with {kind} in each position."
    ]


def find_weighting(name: str, pair: Pair) -> ClassWeighting:
    """Find how class weights apply to a target.

    Args:
        name: The name of the loss, in snake case or as a class.
        pair: The output and its target.
    """
    plain = simplify_name(name)
    last = pair.row[-1] if pair.row else 1
    if takes_indices(name):
        return ClassWeighting(by="class", classes=last)
    if plain.startswith(_ONE_HOT) and last != 1:
        return ClassWeighting(by="class", classes=last)
    if plain.startswith(_BINARY):
        by: Literal["class", "multi-hot"] = "class" if last == 1 else "multi-hot"
        return ClassWeighting(by=by, classes=2 if last == 1 else last)
    if plain == "ctc":
        return ClassWeighting(by="sequence")
    is_single = last == 1 or plain in _OWN_SHAPES
    return ClassWeighting(by="number") if is_single else ClassWeighting(by="largest", classes=last)


def get_config(spec: NameOrComponent) -> Mapping[str, Any]:
    """Return the config of a loss or metric; it is empty if the spec is a name."""
    return {} if isinstance(spec, str) else spec.config


def name_component(spec: NameOrComponent, pair: Pair) -> str:
    """Return the name of a loss or metric; Keras resolves some names by the shapes."""
    name = spec if isinstance(spec, str) else spec.type
    if isinstance(spec, str) and name.lower() in ("accuracy", "acc"):
        return name_by_shapes("accuracy", pair)
    if name.lower() in ("crossentropy", "ce"):
        return name_by_shapes("crossentropy", pair)
    return name


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


def _trace(compare: Any, output: Spec, target: Spec, rows: int | None) -> Shape:
    """Trace the comparison in a graph that is thrown away; return the shape of its value."""

    def call(target: Any, output: Any) -> Any:
        return compare(target, output)

    specs = [tf.TensorSpec((rows, *s.shape[1:]), s.dtype) for s in (target, output)]
    traced = tf.function(call, autograph=False).get_concrete_function(*specs)
    shape = getattr(traced.structured_outputs, "shape", tf.TensorShape([]))
    return () if shape.rank is None else tuple(shape)


def _need_class_indices(pair: Pair) -> str | None:
    if not keras.backend.is_int_dtype(pair.target.dtype) and pair.target.dtype != "bool":
        return "whole numbers (class indices) as its target"
    shape, output = pair.target.shape, pair.output.shape
    if _agree(shape, output[:-1]) or _agree(shape, (*output[:-1], 1)):
        return None
    hint = "; for one-hot targets take the categorical form" if _agree(shape, output) else ""
    return f"one class index where the output has a row of classes{hint}"


def _need_flat_class_indices(pair: Pair) -> str | None:
    """An axis of 1 at the end would be broadcast: each row would be compared with all targets."""
    reason = _need_class_indices(pair)
    if reason is None and not _agree(pair.fed.shape, pair.output.shape[:-1]):
        return f"class indices of the shape {format_shape(pair.row[:-1])} in each row"
    return reason


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
    INDEXED: _need_flat_class_indices,
    _ONE_HOT: _need_one_hot,
    **dict.fromkeys(_BINARY, _need_equal_shape),
}


def _rule_of(name: str) -> Callable[[Pair], str | None]:
    rules = (rule for start, rule in _RULES.items() if simplify_name(name).startswith(start))
    return next(rules, _need_broadcast)
