"""Columns as a training sees them: side by side, filled and in windows."""

from typing import Any

import numpy as np
import pytest

from domain.dataset import Column
from domain.job.columns.fed import describe_fed, find_side_by_side_misfits
from domain.job.preparation import Window
from domain.job.recipe import OutputRecipe, Recipe


def column(name: str, dtype: str = "float64", shape: Any = (), **fields: Any) -> Column:
    values: dict[str, Any] = {"min": 0.0, "max": 1.0, **fields}
    return Column(name=name, dtype=dtype, shape=list(shape), **values)


def describe(*columns: Column, window: Window | None = None, **missing: Any) -> Column:
    recipe = Recipe(
        optimizer="sgd",
        jit_compile=False,
        inputs={"x": [item.name for item in columns]},
        outputs={"y": OutputRecipe()},
        missing=missing,
        window=window,
    )
    return describe_fed(recipe, {item.name: item for item in columns}).inputs["x"]


@pytest.mark.parametrize("shapes", [[()], [(), ()], [(3,), ()], [(2, 3), (2, 1)], [(4,), (2,)]])
def test_columns_side_by_side_have_the_shape_of_numpy(shapes: list[tuple[int, ...]]) -> None:
    columns = [column(str(i), shape=shape) for i, shape in enumerate(shapes)]
    arrays = [np.zeros((1, *shape)) for shape in shapes]
    if len(shapes) > 1:
        arrays = [array if array.ndim > 1 else array[:, np.newaxis] for array in arrays]
        arrays = [np.concatenate(arrays, axis=-1)]
    assert describe(*columns).shape == list(arrays[0].shape[1:])


def test_ranges_and_dtypes_cover_all_columns() -> None:
    found = describe(column("a", "uint8", max=200.0), column("b", "int32", min=-4.0))
    assert (found.dtype, found.min, found.max, found.name) == ("int64", -4, 200, "a', 'b")
    assert describe(column("a", "uint8"), column("b", "uint8")).dtype == "uint8"
    assert describe(column("a", "uint8"), column("b", "float32")).dtype == "float64"


def test_filled_columns_have_no_missing_values_and_hold_the_fill() -> None:
    found = describe(column("a", "int64", missing=3), a=9)
    assert (found.missing, found.min, found.max, found.dtype) == (0, 0, 9, "int64")
    assert describe(column("a", "int64", missing=3), a="mean").dtype == "float64"


def test_windows_are_the_first_axis_of_an_input() -> None:
    window = Window(length=7)
    assert describe(column("a"), window=window).shape == [7]
    assert describe(column("a"), column("b", shape=[3]), window=window).shape == [7, 4]


@pytest.mark.parametrize(
    ("columns", "window", "words"),
    [
        ([column("a", shape=[2, 3]), column("b", shape=[3, 3])], None, "differ in the last axis"),
        ([column("a", shape=[2, 3]), column("b")], None, "differ in the last axis"),
        ([column("a", "string"), column("b")], None, "one kind"),
        ([column("a", shape=[None]), column("b")], None, "equal lengths"),
        ([column("a", shape=[None])], Window(length=2), "equal lengths"),
    ],
)
def test_columns_that_cannot_be_put_together_are_refused(
    columns: list[Column], window: Window | None, words: str
) -> None:
    assert any(words in detail for detail in find_side_by_side_misfits(columns, "x", window))
