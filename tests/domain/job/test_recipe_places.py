"""The faults of a recipe, which is by output name, get their places in the request."""

from typing import Any

import pytest

from domain.errors import Fault
from domain.job.job import JobRequest
from domain.job.recipe_places import recipe_map

GRAPH = f"graph_{'0' * 26}"
MSE = {"type": "MeanSquaredError", "config": {}}


@pytest.mark.parametrize(
    ("compile_", "outputs", "given", "wanted"),
    [
        ({"loss": "mse"}, ["a"], "/compile/loss/a", "/compile/loss"),
        ({"loss": MSE}, ["a"], "/compile/loss/a/config/x", "/compile/loss/config/x"),
        ({"loss": {"b": MSE}}, ["a", "b"], "/compile/loss/b/type", "/compile/loss/b/type"),
        ({"loss": ["mse", MSE]}, ["a", "b"], "/compile/loss/b/type", "/compile/loss/1/type"),
        ({"metrics": ["x"]}, ["a"], "/compile/metrics/a", "/compile/metrics/0"),
        ({"metrics": ["x", "y"]}, ["a"], "/compile/metrics/a", "/compile/metrics"),
        ({"metrics": ["x", MSE]}, ["a"], "/compile/metrics/a/config/x", "/compile/metrics"),
        ({"loss": "mse"}, ["a"], "/compile/loss/a/config/x", "/compile/loss"),
        ({"metrics": ["x"]}, ["a", "b"], "/compile/metrics/b", "/compile/metrics/0"),
        ({"metrics": ["x", "y"]}, ["a", "b"], "/compile/metrics/b", "/compile/metrics/1"),
        ({"metrics": [["x"], ["y"]]}, ["a", "b"], "/compile/metrics/a", "/compile/metrics/0"),
        ({"loss": ["mse", MSE]}, ["a"], "/compile/loss/a/1/type", "/compile/loss/1/type"),
        (
            {"loss": {"a": ["mse", {"loss": MSE, "weight": 2}]}},
            ["a"],
            "/compile/loss/a/1/config/x",
            "/compile/loss/a/1/loss/config/x",
        ),
        (
            {"loss": [None, [{"loss": "mse"}, "x"]]},
            ["a", "b"],
            "/compile/loss/b/0",
            "/compile/loss/1/0/loss",
        ),
        (
            {"loss": {"a": {"loss": MSE, "weight": 2}}},
            ["a"],
            "/compile/loss/a/type",
            "/compile/loss/a/loss/type",
        ),
        (
            {"weighted_metrics": ["x"]},
            ["a"],
            "/compile/weighted_metrics/a",
            "/compile/weighted_metrics/0",
        ),
        ({"metrics": {"a": ["x"]}}, ["a"], "/compile/metrics/a", "/compile/metrics/a"),
        ({"loss": "mse"}, ["a"], "/compile/optimizer/config", "/compile/optimizer/config"),
        ({"loss": "mse"}, ["a"], "/fit/callbacks/0", "/fit/callbacks/0"),
    ],
)
def test_fault_of_a_recipe_gets_its_place_in_the_request(
    compile_: Any, outputs: list[str], given: str, wanted: str
) -> None:
    request = JobRequest.model_validate({"graph": GRAPH, "compile": compile_})
    fault = recipe_map(request, outputs).locate(Fault(pointer=given, detail="wrong"))
    assert (fault.pointer, fault.detail) == (wanted, "wrong")
