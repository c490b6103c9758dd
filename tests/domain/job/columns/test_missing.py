"""Missing values need an entry in `feed.missing` that fits their column."""

from typing import Any

import pytest

from domain.dataset import ClassCount, Column
from domain.job.columns.missing import MissingCheck
from domain.job.job import JobRequest
from domain.job.resolve import resolve

ROWS = 10


def column(name: str, dtype: str, missing: int = 0, **fields: Any) -> Column:
    low, high = (None, None) if dtype == "string" else (0, 9)
    values: dict[str, Any] = {"shape": [], "min": low, "max": high, "distinct": 5, **fields}
    return Column(name=name, dtype=dtype, missing=missing, **values)


COLUMNS = {
    "age": column("age", "int64", 2),
    "size": column("size", "float64", 1),
    "town": column("town", "string", 3),
    "far": column("far", "float64", 1, distinct=5_000),
    "gone": column("gone", "float64", ROWS, min=None, max=None),
    "label": column("label", "int64", 1, classes=[ClassCount(value=1, count=9)]),
    "sure": column("sure", "bool", 1),
}


def find(missing: Any, name: str = "age", dtype: str = "float32", **feed: Any) -> dict[str, str]:
    request = JobRequest.model_validate(
        {
            "graph": "graph_" + "0" * 26,
            "dataset": "dataset_" + "0" * 26,
            "feed": {"inputs": [name], "missing": missing, **feed},
            "compile": {"loss": "mse"},
        }
    )
    columns = {**COLUMNS, "y": column("y", "float64")}
    recipe, faults = resolve(request, ["x"], ["y"], columns)
    assert faults == []
    check = MissingCheck(request, recipe, columns, {"x": dtype}, ROWS)
    return {"/".join(map(str, place)): detail for place, detail in check.find_faults()}


@pytest.mark.parametrize("name", ["age", "size", "town"])
def test_a_column_with_missing_values_needs_an_entry(name: str) -> None:
    found = find({}, name)
    assert list(found) == ["feed/inputs/0"]
    assert f"{COLUMNS[name].missing} missing values" in found["feed/inputs/0"]
    assert find({name: "drop"}, name) == {}


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        *(("age", entry) for entry in ("mean", "median", "most_frequent", 3, 3.0)),
        *(("size", entry) for entry in (2, 2.5)),
        *(("town", entry) for entry in ("most_frequent", "nowhere")),
        ("sure", True),
    ],
)
def test_fitting_entries_have_no_fault(name: str, entry: Any) -> None:
    assert find({name: entry}, name) == {}


@pytest.mark.parametrize(
    ("name", "entry", "words"),
    [
        ("town", "mean", "needs numbers"),
        ("sure", "median", "needs numbers"),
        ("town", 3, "need a text"),
        ("age", 2.5, "a whole number"),
        ("age", "old", "a whole number"),
        ("size", True, "a number"),
        ("far", "most_frequent", "needs few values"),
        ("gone", "mean", "Every row"),
    ],
)
def test_entries_that_do_not_fit_are_refused(name: str, entry: Any, words: str) -> None:
    assert words in find({name: entry}, name)[f"feed/missing/{name}"]


def test_a_mean_does_not_feed_whole_numbers() -> None:
    assert "fraction" in find({"age": "mean"}, dtype="int32")["feed/missing/age"]
    assert find({"age": "most_frequent"}, dtype="int32") == {}


def test_the_values_of_targets_are_not_learned_from_others() -> None:
    feed: dict[str, Any] = {"targets": {"y": "label"}}
    assert "drop" in find({"label": "median", "age": 1}, **feed)["feed/missing/label"]
    assert find({"label": "drop", "age": 1}, **feed) == {}
    assert list(find({"age": 1}, **feed)) == ["feed/targets/y"]


def test_entries_of_columns_that_are_not_read_are_refused() -> None:
    assert "Did you mean 'age'?" in find({"agee": 1, "age": 1})["feed/missing/agee"]
