"""Checks whether sample weights and class weights fit the loss of their output."""

import re
from collections.abc import Iterator, Sequence

from domain.dataset import Column
from domain.dtype import kind_of
from domain.graph.shapes import format_shape
from domain.job.recipe import ClassWeights
from domain.job.targets import ClassWeighting, TargetCheck

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_MULTI_HOT = (
    "a row of its target may have several classes at once; class weights need one class for each "
    "row. Use `feed.sample_weights`, or a categorical loss for one-hot targets"
)
_SEQUENCE = "a row of its target has several classes; class weights need one class for each row"


def is_class_index(text: str) -> bool:
    """Return whether a text is a whole number as JSON writes it, of at most 9 digits."""
    return _INDEX.fullmatch(text) is not None


def find_sample_weight_misfits(column: Column, output: str, check: TargetCheck) -> Iterator[str]:
    """Find why a column cannot weigh the rows of an output.

    Args:
        column: The column of weights.
        output: The name of the output.
        check: The shape of the loss's values in each row.
    """
    if kind_of(column.dtype) == "text":
        yield f"Column '{column.name}' is {column.dtype}; weights are numbers."
    if check.positions is None:
        yield _describe_whole(output)
    elif not _weighs(column.shape, check.positions):
        yield (
            f"Column '{column.name}' has the shape {column.shape} in each row; a weight for each "
            f"row of output '{output}' is a single number{_describe(check.positions)}."
        )


def find_sample_weight_doubts(column: Column, output: str) -> Iterator[str]:
    """Find what weights of rows that are accepted may not mean.

    Args:
        column: The column of weights.
        output: The name of the output.
    """
    if column.min is None or column.max is None:
        return
    if column.min < 0:
        yield (
            f"Column '{column.name}' has weights below 0, from {column.min:g}: the loss of output "
            f"'{output}' falls as the errors of these rows grow."
        )
    if column.min == column.max == 0:
        yield (
            f"All weights of column '{column.name}' are 0: no row counts in the loss of output "
            f"'{output}'."
        )


def _describe_whole(output: str) -> str:
    return (
        f"The loss of output '{output}' gives one number for a whole batch; its rows cannot have "
        "weights."
    )


def _weighs(shape: Sequence[int | None], positions: Sequence[int | None]) -> bool:
    """Whether weights have a leading part of the axes of the loss's values, or 1 for an axis."""
    lengths = [*positions, *([1] * (len(shape) - len(positions)))]
    return all(
        have == 1 or want is None or have == want
        for have, want in zip(shape, lengths, strict=False)
    )


def _describe(positions: Sequence[int | None]) -> str:
    return f", and a weight for each position has {format_shape(positions)}" if positions else ""


def find_class_weight_misfits(
    weights: ClassWeights, output: str, check: TargetCheck
) -> Iterator[str]:
    """Find why class weights cannot apply to an output.

    Args:
        weights: Weights by class index.
        output: The name of the output.
        check: The values of its target.
    """
    weighting = check.weighting
    if check.positions is None:
        yield _describe_whole(output)
    elif weighting.by in ("multi-hot", "sequence"):
        reason = _MULTI_HOT if weighting.by == "multi-hot" else _SEQUENCE
        yield f"Output '{output}' cannot have class weights: {reason}."
    else:
        yield from _find_other_classes(weights, output, weighting)


def _find_other_classes(
    weights: ClassWeights, output: str, weighting: ClassWeighting
) -> Iterator[str]:
    if weighting.classes is None:
        return
    for index in weights:
        if is_class_index(index) and int(index) >= weighting.classes:
            yield (
                f"There is no class {index}: output '{output}' has {weighting.classes} classes, "
                f"0 to {weighting.classes - 1}."
            )


def find_class_weight_doubts(
    weights: ClassWeights, output: str, target: Column, check: TargetCheck
) -> Iterator[str]:
    """Find what class weights that are accepted may not mean.

    Args:
        weights: Weights by class index.
        output: The name of the output.
        target: The column of its target.
        check: The values of the target.
    """
    if check.weighting.by == "largest":
        yield (
            f"The loss of output '{output}' knows no classes; class weights take the largest value "
            "of each row as its class."
        )
    unused = [index for index in weights if target.max is not None and int(index) > target.max]
    if check.weighting.by == "number" and unused:
        named = ", ".join(unused[:10])
        yield f"Class weights of '{output}' name {named}; column '{target.name}' has no such class."
