"""The place in a request of the column that feeds an input or output."""

from typing import Any

import pytest

from domain.job.columns.places import find_place
from domain.job.job import JobRequest
from domain.job.recipe import OutputRecipe, Recipe

RECIPE = Recipe(
    optimizer="sgd",
    jit_compile=False,
    inputs={"a": ["a"], "b": ["b"]},
    outputs={
        "kept": OutputRecipe(loss="mse", target="y"),
        "left": OutputRecipe(),
        "last": OutputRecipe(loss="mse", target="z"),
    },
)


@pytest.mark.parametrize(
    ("targets", "places"),
    [
        (None, {"kept": (), "left": (), "last": ()}),
        ({"kept": "y"}, {"kept": ("kept",), "left": (), "last": ()}),
        (["y", None, "z"], {"kept": (0,), "left": (1,), "last": (2,)}),
        (["y", "z"], {"kept": (0,), "left": (), "last": (1,)}),
    ],
)
def test_an_output_has_the_place_of_its_target(targets: Any, places: dict[str, Any]) -> None:
    request = JobRequest.model_validate(
        {"model": f"model_{'0' * 26}", "feed": {"targets": targets}}
    )
    for name, place in places.items():
        assert find_place(request, RECIPE, "targets", name) == ("feed", "targets", *place)


def test_an_input_has_its_place_in_a_list() -> None:
    request = JobRequest.model_validate(
        {"model": f"model_{'0' * 26}", "feed": {"inputs": ["a", "b"]}}
    )
    assert find_place(request, RECIPE, "inputs", "b") == ("feed", "inputs", 1)
