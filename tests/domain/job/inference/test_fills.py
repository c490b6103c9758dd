"""What takes the place of missing values in evaluate and predict jobs."""

from typing import Any

from domain.dataset import Column
from domain.job.inference.fills import find_fills
from domain.job.recipe import OutputRecipe, Recipe


def column(name: str, dtype: str = "float64", shape: tuple[int, ...] = ()) -> Column:
    return Column(name=name, dtype=dtype, shape=[*shape], min=0, max=1)


def recipe(inputs: dict[str, list[str]], target: str = "y", **fields: Any) -> Recipe:
    outputs = {"out": OutputRecipe(target=target)}
    return Recipe(optimizer="sgd", jit_compile=False, inputs=inputs, outputs=outputs, **fields)


def test_values_of_columns_side_by_side_go_to_the_columns_at_their_places() -> None:
    columns = {name: column(name) for name in ("a", "c", "y")} | {"b": column("b", shape=(2,))}
    trained = recipe({"x": ["one", "two", "three"]}, missing={"one": "mean", "three": "median"})
    fills = find_fills(
        {}, {"x": [1.5, None, None, 4.0]}, trained, recipe({"x": ["a", "b", "c"]}), columns
    )
    assert fills.values == {"a": 1.5, "c": 4.0}
    assert fills.missing == {"a": "mean", "c": "median"}
    assert fills.learned == {"a", "c"}


def test_the_request_takes_precedence() -> None:
    columns = {"a": column("a"), "y": column("y")}
    fills = find_fills({"a": 7.0}, {"x": 1.5}, None, recipe({"x": ["a"]}), columns)
    assert (fills.values, fills.missing, fills.learned) == ({"a": 7.0}, {"a": 7.0}, set())


def test_dropped_rows_are_dropped_again_and_targets_follow_the_training() -> None:
    columns = {name: column(name) for name in ("a", "z")}
    trained = recipe({"x": ["age"]}, target="was", missing={"age": "drop", "was": "drop"})
    fills = find_fills({}, {}, trained, recipe({"x": ["a"]}, target="z"), columns)
    assert fills.missing == {"a": "drop", "z": "drop"}
    assert fills.values == {}


def test_a_vector_keeps_its_own_values_and_text_its_text() -> None:
    columns = {"v": column("v", "int64", (2,)), "t": column("t", "string"), "y": column("y")}
    kept: dict[str, Any] = {"x": [3, None], "text": "nothing"}
    fills = find_fills({}, kept, None, recipe({"x": ["v"], "text": ["t"]}), columns)
    assert fills.values == {"v": [3, None], "t": "nothing"}
    assert fills.missing == {"v": "most_frequent", "t": "nothing"}
