"""What takes the place of missing values; NumPy is the oracle."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.job.recipe import OutputRecipe, Recipe
from models_store.datasets.columns.numbers import find_dtype
from models_store.datasets.columns.read import StoredColumn, open_column
from models_store.datasets.columns.writer import NumberWriter
from tests.worker.training_tasks import write_column
from worker.training.errors import CannotTrain
from worker.training.rows.fills import describe_fills, learn_fills
from worker.training.rows.prepared import open_columns
from worker.training.rows.sources import ColumnSource


def recipe(**missing: Any) -> Recipe:
    return Recipe(
        optimizer="sgd",
        jit_compile=False,
        inputs={"x": list(missing)},
        outputs={"y": OutputRecipe()},
        missing=missing,
    )


def in_memory(values: Any) -> StoredColumn:
    array = np.asarray(values)
    return StoredColumn(array.dtype.name, array.shape[1:], {"values": array})


def stored(folder: Path, **columns: Any) -> dict[str, StoredColumn]:
    files = {name: write_column(folder / f"{name}.npy", rows) for name, rows in columns.items()}
    return open_columns(files)


NUMBERS = st.floats(-1e300, 1e300)
LISTS = st.lists(st.one_of(NUMBERS, st.just(np.nan)), min_size=1, max_size=40).filter(
    lambda numbers: not all(np.isnan(numbers))
)


@given(LISTS)
def test_a_median_is_that_of_numpy(numbers: list[float]) -> None:
    columns = {"a": in_memory(numbers)}
    fill = learn_fills(recipe(a="median"), columns, range(len(numbers)))["a"]
    assert np.array_equal(fill, np.nanmedian(numbers))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8", "int64", "uint64"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_means_and_medians_are_those_of_each_place_of_a_row(dtype: str, shape: Any) -> None:
    random = np.random.default_rng(0)
    values = (random.random((201, *shape)) * 100).astype(dtype)
    if "float" in dtype:
        values[random.random(values.shape) < 0.2] = np.nan
    columns = {"a": in_memory(values)}
    rows = range(50, 200)
    part = values[50:200].astype(np.float64)
    median = learn_fills(recipe(a="median"), columns, rows)["a"]
    mean = learn_fills(recipe(a="mean"), columns, rows)["a"]
    assert np.array_equal(median, np.nanmedian(part, axis=0))
    assert np.allclose(mean, np.nanmean(part, axis=0), rtol=1e-12)


def test_the_most_frequent_value_is_the_smallest_of_several(tmp_path: Path) -> None:
    columns = stored(
        tmp_path, town=["Ulm", None, "Köln", "Ulm", "Köln", "Aalen"], age=[3, 3, None, 1, 1, 9]
    )
    fills = learn_fills(recipe(town="most_frequent", age="most_frequent"), columns, range(6))
    assert fills["town"].item() == "Köln".encode()
    assert fills["age"].item() == 1
    first = learn_fills(recipe(town="most_frequent"), columns, range(2))
    assert first["town"].item() == b"Ulm"


def test_missing_values_are_replaced_in_every_kind_of_row(tmp_path: Path) -> None:
    columns = stored(
        tmp_path, town=["Ulm", None, ""], age=[3, None, 5], size=np.array([[1, np.nan], [2, 4.0]])
    )
    made = recipe(town="nowhere", age="mean", size="mean")
    fills = learn_fills(made, columns, range(2))
    rows = np.array([1, 0])
    read = {name: ColumnSource(columns[name], fills[name]).take(rows).tolist() for name in columns}
    assert read == {
        "town": [b"nowhere", b"Ulm"],
        "age": [3.0, 3.0],
        "size": [[2.0, 4.0], [1.0, 4.0]],
    }


def test_the_fills_of_an_input_are_those_of_its_columns_side_by_side(tmp_path: Path) -> None:
    columns = stored(tmp_path, age=[3, None, 6], size=np.ones((3, 2)), mass=[1.5, None, None])
    made = recipe(age="median", size="drop", mass=0)
    fills = learn_fills(made, columns, range(3))
    assert describe_fills(made, columns, fills) == {"x": [4.5, None, None, 0]}


def test_a_column_without_a_value_in_the_training_rows_is_named(tmp_path: Path) -> None:
    columns = stored(tmp_path, age=[None, None, 6])
    with pytest.raises(CannotTrain, match="'age'") as error:
        learn_fills(recipe(age="mean"), columns, range(2))
    assert error.value.pointer == "/feed/missing/age"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int8"])
@pytest.mark.parametrize("entry", ["mean", "median", 0.1])
def test_a_prediction_gets_the_value_that_the_training_got(
    tmp_path: Path, dtype: str, entry: Any
) -> None:
    entry = 3 if dtype == "int8" and entry == 0.1 else entry
    writer = NumberWriter(tmp_path / "0.npy", find_dtype(dtype))
    values = np.array([1, 2, 4, 0.3, 0]).astype(find_dtype(dtype))
    writer.append(values, np.array([False, False, False, False, True]))
    column = open_column(dtype, (), writer.finish("a", ()).files)
    made = recipe(a=entry)
    fills = learn_fills(made, {"a": column}, range(5))
    trained = ColumnSource(column, fills["a"]).take(np.array([4])).astype(np.float64)
    assert describe_fills(made, {"a": column}, fills)["x"] == trained[0]
    present = values[:4].astype(np.float64)
    expected = {"mean": present.mean(), "median": np.median(present)}.get(entry, entry)
    assert trained[0] == pytest.approx(expected, rel=1e-2)
