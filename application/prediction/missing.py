"""Puts values in the place of `null` in the rows of a prediction, as the training did."""

from typing import Any

from domain.graph.summary import Tensor


def fill_rows(rows: list[Any], tensor: Tensor, fill: Any) -> list[Any]:
    """Returns the rows of an input with a value in place of each `null`.

    Args:
        rows: One value for each row, nested as deeply as the input has axes. If the input has
            rows of one number, a row needs no list around it.
        tensor: The input.
        fill: A value, or nested lists of values for the last axes of a row; where it has None, a
            `null` stays.
    """
    rank = len(tensor.shape) - 1
    lengths = _find_lengths(fill)
    if lengths and lengths[-1] != tensor.shape[-1] == 1:  # the column lacks the last axis
        return [_fill(row, _add_axis(fill), rank, len(lengths) + 1) for row in rows]
    return [_fill(row, fill, rank, len(lengths)) for row in rows]


def _find_lengths(value: Any) -> list[int]:
    lengths: list[int] = []
    while isinstance(value, list):
        lengths.append(len(value))
        value = value[0] if value else None
    return lengths


def _add_axis(value: Any) -> list[Any]:
    return [_add_axis(item) for item in value] if isinstance(value, list) else [value]


def _fill(value: Any, fill: Any, rank: int, depth: int) -> Any:
    """Fills a value that has so many axes; `fill` has `depth` of them."""
    if value is None and depth == 0:
        return fill
    if not isinstance(value, list) or rank == 0:
        return value
    if rank > depth:
        return [_fill(item, fill, rank - 1, depth) for item in value]
    if len(value) != len(fill):  # the check of shapes finds the fault
        return value
    pairs = zip(value, fill, strict=True)
    return [_fill(item, part, rank - 1, depth - 1) for item, part in pairs]
