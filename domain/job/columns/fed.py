"""Describes columns as a training sees them: filled, encoded, side by side and in windows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from domain.dataset import Column
from domain.dtype import TEXT, kind_of
from domain.graph.shapes import format_shape
from domain.job.preparation import STRATEGIES, Missing, Window
from domain.job.recipe import OutputRecipe, Recipe

INDEX_DTYPE = "int32"
"""The dtype of class indices."""
ONE_HOT_DTYPE = "float32"
MOST_NAMED = 5
"""The most columns side by side that a message names."""


@dataclass(frozen=True)
class FedColumns:
    """The columns of one dataset as a training sees them."""

    inputs: Mapping[str, Column] = field(default_factory=dict)
    """By input; without inputs whose columns cannot be put side by side."""
    targets: Mapping[str, Column] = field(default_factory=dict)
    """By output; without outputs that have no target."""
    weights: Mapping[str, Column] = field(default_factory=dict)
    """By output; without outputs that have no sample weights."""


def describe_fed(recipe: Recipe, columns: Mapping[str, Column]) -> FedColumns:
    """Describe the columns of a dataset as a training sees them.

    Args:
        recipe: The recipe.
        columns: The columns by name; columns that do not exist are left out.
    """
    filled = {
        name: _fill(column, recipe.missing.get(name))
        for name, column in columns.items()
        if name in recipe.columns_read
    }
    inputs = {
        name: _describe_input([filled[column] for column in names], recipe.window)
        for name, names in recipe.inputs.items()
        if all(column in filled for column in names)
        and not any(find_side_by_side_misfits([filled[c] for c in names], name, recipe.window))
    }
    outputs = recipe.outputs.items()
    return FedColumns(
        inputs=inputs,
        targets={n: _encode(filled[o.target], o) for n, o in outputs if o.target in filled},
        weights={n: filled[o.sample_weight] for n, o in outputs if o.sample_weight in filled},
    )


def find_side_by_side_misfits(
    columns: Sequence[Column], name: str, window: Window | None
) -> Iterator[str]:
    """Find why columns cannot be put side by side in one input.

    Args:
        columns: The columns of the input, which are filled.
        name: The name of the input.
        window: The windows over the rows, if there are any.
    """
    ragged = next((column for column in columns if column.is_ragged), None)
    if ragged is not None and (len(columns) > 1 or window is not None):
        what = "windows" if window is not None else "columns side by side"
        yield f"Column '{ragged.name}' has rows that differ in length; {what} need equal lengths."
        return
    kinds = {kind_of(column.dtype) == "text" for column in columns}
    if len(kinds) > 1:
        yield f"Input '{name}' has columns of text and of numbers; side by side they need one kind."
    shapes = [list(column.shape) or [1] for column in columns]
    other = next((i for i, shape in enumerate(shapes) if shape[:-1] != shapes[0][:-1]), None)
    if other is not None:
        yield (
            f"Columns '{columns[0].name}' and '{columns[other].name}' cannot be put side by side: "
            f"their rows have the shapes {format_shape(columns[0].shape)} and "
            f"{format_shape(columns[other].shape)}, which may differ in the last axis alone."
        )


def _fill(column: Column, entry: Missing | None) -> Column:
    """Describe a column whose missing values are filled or left out."""
    if entry is None:
        return column
    changes: dict[str, object] = {"missing": 0}
    if entry not in STRATEGIES and not isinstance(entry, str) and column.missing:
        changes["min"] = entry if column.min is None else min(column.min, entry)
        changes["max"] = entry if column.max is None else max(column.max, entry)
        changes["mean"] = None
    if entry in ("mean", "median") and kind_of(column.dtype) == "integer":
        changes["dtype"] = "float64"
    return column.model_copy(update=changes)


def _encode(column: Column, output: OutputRecipe) -> Column:
    """Describe a target whose values are encoded as classes."""
    if output.classes is None:
        return column
    count = len(output.classes)
    changes = {
        "dtype": ONE_HOT_DTYPE if output.one_hot else INDEX_DTYPE,
        "shape": [*column.shape, count] if output.one_hot else column.shape,
        "min": 0.0,
        "max": 1.0 if output.one_hot else count - 1.0,
        "mean": 1 / count if output.one_hot else None,
        "std": None,
    }
    return column.model_copy(update=changes)


def _describe_input(columns: Sequence[Column], window: Window | None) -> Column:
    column = columns[0] if len(columns) == 1 else _combine(columns)
    if window is None:
        return column
    return column.model_copy(update={"shape": [window.length, *column.shape]})


def _combine(columns: Sequence[Column]) -> Column:
    """Describe columns that are put side by side along the last axis."""
    shapes = [list(column.shape) or [1] for column in columns]
    width = sum(shape[-1] or 0 for shape in shapes)
    lows = [column.min for column in columns if column.min is not None]
    highs = [column.max for column in columns if column.max is not None]
    return Column(
        name=_join_names([column.name for column in columns]),
        dtype=_find_common_dtype([column.dtype for column in columns]),
        shape=[*shapes[0][:-1], width],
        min=min(lows, default=None),
        max=max(highs, default=None),
        not_finite=sum(column.not_finite for column in columns),
        missing=sum(column.missing for column in columns),
    )


def _join_names(names: Sequence[str]) -> str:
    named = names if len(names) <= MOST_NAMED else [*names[: MOST_NAMED - 1], "...", names[-1]]
    return "', '".join(named)[:256]


def _find_common_dtype(dtypes: Sequence[str]) -> str:
    if len(set(dtypes)) == 1:
        return dtypes[0]
    kinds = {kind_of(dtype) for dtype in dtypes}
    if "text" in kinds:
        return TEXT
    return "float64" if "float" in kinds else "int64"
