"""Groups the rows of a prediction by their shapes: each group is computed by itself.

Rows of different lengths are not padded, so that a row is predicted as it is alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from application.prediction.arrays import (
    Arrays,
    DifferentShapes,
    Locate,
    Rows,
    list_rows,
    parse_rows,
)
from application.prediction.computation import Limits, Run, check_answer_size, compute
from application.prediction.signature import Signature
from domain.errors import Fault, Invalid, raise_if_any
from domain.graph.summary import Tensor
from domain.graph.walk import Place


@dataclass(frozen=True)
class Group:
    """Rows of equal shapes."""

    rows: Rows
    indices: list[int] | None = None
    """The index of each row in the request; None if the group has all rows."""


@dataclass(frozen=True)
class Computed:
    """The outputs of a group."""

    outputs: Arrays
    indices: list[int] | None = None


def parse_groups(
    values: Mapping[str, list[Any]], tensors: Sequence[Tensor], place: Place, locate: Locate
) -> list[Group]:
    """Returns the arrays of all inputs, in groups of rows of equal shapes.

    Args:
        values: One value for each row, by input.
        tensors: The inputs.
        place: The place of the rows in the request.
        locate: Returns the place of each value in the request.

    Raises:
        Invalid: a value has the wrong type or shape; each fault has its place.
    """
    count = len(next(iter(values.values())))
    try:
        return [Group(_parse_all(values, tensors, range(count), place, locate))]
    except DifferentShapes:
        pass
    return [
        Group(_parse_all(values, tensors, indices, place, locate), indices)
        for indices in _group_by_shape(values, tensors, count)
    ]


def _parse_all(
    values: Mapping[str, list[Any]],
    tensors: Sequence[Tensor],
    indices: Sequence[int],
    place: Place,
    locate: Locate,
) -> Rows:
    """Parses some rows of all inputs.

    Raises:
        DifferentShapes: The rows differ in shape, and have no other fault.
        Invalid: A value has the wrong type or shape.
    """

    def locate_row(name: str, row: int) -> Place:
        return locate(name, indices[row])

    arrays: Arrays = {}
    faults: list[Fault] = []
    different: DifferentShapes | None = None
    for tensor in tensors:
        given = values[tensor.name]
        rows = given if len(indices) == len(given) else [given[index] for index in indices]
        try:
            arrays[tensor.name] = parse_rows(rows, tensor, locate_row)
        except DifferentShapes as error:
            different = error
        except Invalid as error:
            faults += error.faults
    raise_if_any(faults)
    if different is not None:
        raise different
    return Rows(arrays, len(indices), place, locate_row)


def _group_by_shape(
    values: Mapping[str, list[Any]], tensors: Sequence[Tensor], count: int
) -> list[list[int]]:
    """Returns the rows of each shape, in the order of their first rows."""
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for index in range(count):
        shapes = (_find_shape(values[t.name][index], len(t.shape) - 1) for t in tensors)
        groups.setdefault(tuple(shapes), []).append(index)
    return list(groups.values())


def _find_shape(value: Any, axes: int) -> tuple[int, ...]:
    """Returns the lengths of nested lists, by the first item of each."""
    shape: list[int] = []
    while isinstance(value, list) and len(shape) < axes:
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def join_rows(
    computed: Sequence[Computed], list_values: Callable[[Arrays], dict[str, list[Any]]]
) -> dict[str, list[Any]]:
    """Returns JSON values of all rows, in the order of the request.

    Args:
        computed: The outputs of each group.
        list_values: Returns the values of the rows of a group, by name.
    """
    if computed[0].indices is None:
        return list_values(computed[0].outputs)
    total = sum(len(part.indices or ()) for part in computed)
    joined: dict[str, list[Any]] = {}
    for part in computed:
        for name, values in list_values(part.outputs).items():
            rows = joined.setdefault(name, [None] * total)
            for index, value in zip(part.indices or (), values, strict=True):
                rows[index] = value
    return joined


def list_outputs(outputs: Arrays) -> dict[str, list[Any]]:
    """Returns the rows of all outputs as JSON values, by name."""
    return {name: list_rows(array) for name, array in outputs.items()}


def compute_groups(
    signature: Signature, groups: Sequence[Group], limits: Limits, run: Run
) -> list[Computed]:
    """Computes the outputs of all rows.

    Raises:
        Uncomputable: the engine cannot compute the model for these rows.
        Invalid: the answer is too large.
    """
    computed: list[Computed] = []
    values = 0
    for group in groups:
        outputs = compute(signature, group.rows, limits, run)
        values += sum(array.size for array in outputs.values())
        check_answer_size(group.rows, values, limits)
        computed.append(Computed(outputs, group.indices))
    return computed
