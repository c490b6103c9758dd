"""Checks whether the values of a target column are in the range that its loss takes.

`compiler.training.targets` checks shapes and dtypes, which need no statistics of the column.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from pydantic import Field

from domain.contract import Contract
from domain.dataset import Column
from domain.dtype import is_float, kind_of
from domain.job.recipe import Component, NameOrComponent

ROW_SUM_TOLERANCE = 0.001
"""How much the mean sum of one-hot rows may differ from 1."""


_SPARSE = "sparse"
"""How the names of the losses and metrics on class indices begin."""
INDEXED = "categoricalgeneralizedcrossentropy"
"""A loss on class indices whose name does not tell so."""


def simplify_name(name: str) -> str:
    """Return the name of a loss or metric as snake case and classes share it: `kldivergence`."""
    return name.replace("_", "").lower()


def takes_indices(name: str) -> bool:
    """Return whether a loss or metric takes class indices as its target."""
    plain = simplify_name(name)
    return plain.startswith(_SPARSE) or plain == INDEXED


class ClassWeighting(Contract):
    """How class weights apply to a target."""

    by: Literal["class", "number", "largest", "multi-hot", "sequence"] = "number"
    """`class`: each position has one class. `number`: each position has one number, which is
    rounded to a class. `largest`: the largest value of a position is its class. `multi-hot`: a
    position may have several classes. `sequence`: each row has a sequence of classes."""
    classes: int | None = None
    """The number of classes; None if it is unknown."""


class TargetCheck(Contract):
    """What the check found of an output's target column, if its loss fits the column's kind."""

    faults: list[str] = Field(default_factory=list)
    """Why the column's shape does not fit the output."""
    values: Literal["class index", "share"] | None = None
    """The values that the loss takes: indices of classes, numbers from 0 to 1, or any."""
    classes: int | None = None
    """The number of classes; None if any index is allowed or the number is unknown."""
    positions: list[int | None] | None = []
    """The shape of the loss's values in each row, e.g. `[5]` for one value in each of 5 steps;
    None if the loss gives one number for a whole batch."""
    weighting: ClassWeighting = ClassWeighting()


class ValueRange(Contract):
    """The target values that a loss or metric takes as they are meant."""

    name: str
    """The loss or metric."""
    low: float | None = None
    """The smallest value; None if there is none."""
    high: float | None = None
    """The largest value; None if there is none."""
    takes_zero: bool = True
    meaning: str
    """What happens to other values."""
    is_needed: bool = False
    """Whether other values are a fault; otherwise they cause a warning."""

    def contains(self, column: Column) -> bool:
        """Whether all finite values of a column are in the range, as far as the statistics tell."""
        if column.min is None or column.max is None:
            return True
        is_between = (self.low is None or self.low <= column.min) and (
            self.high is None or column.max <= self.high
        )
        return is_between and (self.takes_zero or 0 not in (column.min, column.max))

    def describe(self) -> str:
        """The range in words."""
        if not self.takes_zero:
            return "values other than 0"
        if self.high is None:
            return f"values from {self.low:g}"
        return f"values from {self.low:g} to {self.high:g}"


def find_strictest(losses: Sequence[NameOrComponent]) -> NameOrComponent:
    """Return the first of several losses that takes class indices or shares of classes."""
    names = [loss.type if isinstance(loss, Component) else loss for loss in losses]
    on_classes = (
        loss
        for loss, name in zip(losses, names, strict=True)
        if takes_indices(name) or "crossentropy" in simplify_name(name)
    )
    return next(on_classes, losses[0])


def find_other_values(
    target: Column, ranges: Iterable[ValueRange], *, needed: bool
) -> Iterator[str]:
    """Find losses and metrics that do not take the values of a column as they are meant.

    Args:
        target: The column.
        ranges: The values of each loss and metric.
        needed: Whether to find faults; otherwise, warnings.
    """
    if kind_of(target.dtype) == "text":
        return
    for item in ranges:
        if item.is_needed is needed and not item.contains(target):
            yield (
                f"Column '{target.name}' runs from {target.min:g} to {target.max:g}; "
                f"'{item.name}' takes {item.describe()}: {item.meaning}."
            )


def find_misfits(
    target: Column, output: str, loss: NameOrComponent, check: TargetCheck
) -> Iterator[str]:
    """Find why the values of a column cannot be the targets of an output.

    Args:
        target: The column.
        output: The name of the output.
        loss: The output's loss.
        check: The values that the loss takes.
    """
    if kind_of(target.dtype) == "text":
        yield (
            f"Column '{target.name}' is {target.dtype}; targets are numbers. Text is encoded as "
            "classes for a categorical, sparse categorical or binary loss."
        )
    elif check.values == "class index":
        yield from _find_other_indices(target, output, check.classes)
    elif (total := _find_row_sum(target, check)) is not None:
        name = loss.type if isinstance(loss, Component) else loss
        yield (
            f"The rows of column '{target.name}' sum to {total:.4g} on average; a target of "
            f"'{name}' has the shares of the classes, which sum to 1 in each row."
        )
    elif check.values == "share" and not target.lies_in(0, 1):
        name = loss.type if isinstance(loss, Component) else loss
        yield (
            f"Column '{target.name}' runs from {target.min:g} to {target.max:g}; targets of "
            f"'{name}' lie between 0 and 1."
        )


def _find_row_sum(target: Column, check: TargetCheck) -> float | None:
    """Find the mean sum of the rows of a one-hot target, if it differs from 1."""
    classes = check.weighting.classes
    is_one_hot = check.values == "share" and check.weighting.by == "class"
    if not is_one_hot or classes in (None, 1) or target.shape[-1:] != [classes]:
        return None
    if target.mean is None or target.not_finite or target.missing or not target.lies_in(0, 1):
        return None
    total = target.mean * classes
    return None if abs(total - 1) <= ROW_SUM_TOLERANCE else total


def _find_other_indices(target: Column, output: str, classes: int | None) -> Iterator[str]:
    if not _is_whole(target):
        yield f"Column '{target.name}' is {target.dtype}; class indices are whole numbers."
    elif classes is not None and not target.lies_in(0, classes - 1):
        yield (
            f"Column '{target.name}' holds class indices from {target.min:g} to {target.max:g}; "
            f"output '{output}' has {classes} classes, 0 to {classes - 1}."
        )


def _is_whole(column: Column) -> bool:
    """Whether all values are whole numbers, as far as the statistics tell."""
    if not is_float(column.dtype):
        return True
    ends = (column.min, column.max)
    return not column.not_finite and all(end is None or float(end).is_integer() for end in ends)
