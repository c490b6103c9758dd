"""Checks whether the values of a target column are in the range that its loss takes.

`compiler.training.targets` checks shapes and dtypes, which need no statistics of the column.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from domain.contract import Contract
from domain.dataset import Column
from domain.dtype import is_float, kind_of
from domain.job.recipe import Component, NameOrComponent


class TargetCheck(Contract):
    """What the check found of an output's target column, if its loss fits the column's kind."""

    faults: list[str] = Field(default_factory=list)
    """Why the column's shape does not fit the output."""
    values: Literal["class index", "share"] | None = None
    """The values that the loss takes: indices of classes, numbers from 0 to 1, or any."""
    classes: int | None = None
    """The number of classes; None if any index is allowed or the number is unknown."""


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
        yield f"Column '{target.name}' is {target.dtype}; targets are numbers."
    elif check.values == "class index":
        yield from _find_other_indices(target, output, check.classes)
    elif check.values == "share" and not target.lies_in(0, 1):
        name = loss.type if isinstance(loss, Component) else loss
        yield (
            f"Column '{target.name}' runs from {target.min:g} to {target.max:g}; targets of "
            f"'{name}' lie between 0 and 1."
        )


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
    return not column.not_finite and all(end is None or end.is_integer() for end in ends)
