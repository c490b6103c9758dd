"""Faults of a sweep's request that need neither the graph nor the data; the points of a grid."""

import math
from typing import Any

import numpy as np
import pytest

from domain.sweeps.epochs import find_most_epochs
from domain.sweeps.request import SweepRequest
from domain.sweeps.rules import count_trials, find_sweep_faults, list_points

NAME = "dataset_00000000000000000000000000"


def parse(space: dict[str, Any], **changes: Any) -> SweepRequest:
    request = {"graph": "graph_00000000000000000000000000", "dataset": NAME}
    body = {
        "request": {**request, **changes.pop("request", {})},
        "space": space,
        "objective": {"metric": "loss", "direction": "minimize"},
        "trials": 3,
        **changes,
    }
    return SweepRequest.model_validate(body)


def faults(space: dict[str, Any], **changes: Any) -> dict[str, str]:
    return {fault.pointer: fault.detail for fault in find_sweep_faults(parse(space, **changes))}


RATE = {"/a": {"low": 0.1, "high": 1.0}}


@pytest.mark.parametrize(
    ("parameter", "at", "told"),
    [
        ({"low": 2, "high": 1}, "/high", "at least `low`"),
        ({"low": 0, "high": 1, "log": True}, "/low", "above 0"),
        ({"low": 1, "high": 4, "log": True, "step": 1}, "/step", "not both"),
        ({"low": 1, "high": 4, "step": 0}, "/step", "above 0"),
        ({"low": 1, "high": 4, "step": 2}, "/high", "whole number of steps"),
        ({"low": 0.5, "high": 4, "type": "int"}, "/low", "whole number"),
        ({"choices": [1, 2, 1]}, "/choices/2", "Choices 0 and 2 are equal"),
    ],
)
def test_a_faulty_parameter_is_refused(parameter: dict[str, Any], at: str, told: str) -> None:
    found = faults({"/a": parameter})
    assert list(found) == [f"/space/~1a{at}"]
    assert told in found[f"/space/~1a{at}"]


@pytest.mark.parametrize(
    "parameter",
    [
        {"low": 0.1, "high": 0.7, "step": 0.1},  # 0.7 - 0.1 is no multiple of 0.1 in binary
        {"low": 1, "high": 1},
        {"choices": [1, True, 1.0, "1", None]},
    ],
)
def test_a_right_parameter_is_accepted(parameter: dict[str, Any]) -> None:
    assert faults({"/a": parameter}) == {}


def test_a_grid_needs_points_and_few_of_them() -> None:
    assert "give the range a `step`" in faults(RATE, sampler="grid")["/space/~1a"]
    many = {f"/{i}": {"low": 1, "high": 11} for i in range(3)}
    assert "1,331 points" in faults(many, sampler="grid")["/space"]


def test_trials_are_needed_unless_the_sampler_is_a_grid() -> None:
    assert list(faults(RATE, trials=None)) == ["/trials"]
    points = {"/a": {"low": 0.0, "high": 1.0, "step": 0.25}, "/b": {"choices": ["x", "y"]}}
    assert faults(points, sampler="grid", trials=None) == {}
    assert count_trials(parse(points, sampler="grid", trials=None)) == 10
    assert count_trials(parse(points, sampler="grid", trials=3)) == 3
    assert count_trials(parse(points, sampler="grid", trials=999)) == 10


def test_the_points_of_a_grid_are_those_of_numpy() -> None:
    space = {"/a": {"low": 0.1, "high": 0.7, "step": 0.1}, "/b": {"low": -3, "high": 9, "step": 4}}
    found = parse(space).space
    np.testing.assert_allclose(list_points(found["/a"]), np.linspace(0.1, 0.7, 7), rtol=1e-15)
    assert list_points(found["/b"]) == [*range(-3, 10, 4)]
    assert math.prod(map(len, map(list_points, found.values()))) == 28


def test_the_trials_train() -> None:
    assert "/request/kind" in faults(RATE, request={"kind": "build"})


def test_a_metric_of_the_validation_needs_one() -> None:
    objective = {"metric": "val_loss", "direction": "minimize"}
    assert "/objective/metric" in faults(RATE, objective=objective)
    split = {"fit": {"validation_split": 0.5}}
    assert faults(RATE, objective=objective, request=split) == {}


@pytest.mark.parametrize(
    ("space", "most"),
    [
        (RATE, 5),
        ({"/fit/epochs": {"low": 1, "high": 9}}, 9),
        ({"/fit/epochs": {"choices": [3, 81, 27]}}, 81),
        ({"/fit": {"choices": [{}, {"epochs": 4}]}}, 4),
    ],
)
def test_the_most_epochs_of_a_trial_are_found(space: dict[str, Any], most: int) -> None:
    assert find_most_epochs(parse(space, request={"fit": {"epochs": 5}})) == most
