"""Contradictions of `fit` are found before a job is accepted, each at its place."""

from typing import Any

import pytest

from domain.job.fit.rules import find_fit_faults, find_step_faults
from domain.job.job import JobRequest
from domain.job.recipe import Fit

GRAPH = "graph_" + "0" * 26


def request(**fit: Any) -> JobRequest:
    sent = {"graph": GRAPH, "dataset": "dataset_" + "0" * 26, "fit": fit}
    return JobRequest.model_validate(sent)


@pytest.mark.parametrize(
    ("fit", "place", "text"),
    [
        ({"epochs": 2, "initial_epoch": 2}, "/fit/initial_epoch", "less than 2"),
        ({"validation_freq": 2}, "/fit/validation_freq", "validation_split"),
        ({"validation_batch_size": 2}, "/fit/validation_batch_size", "validation_split"),
        (
            {"epochs": 3, "validation_split": 0.5, "validation_freq": 4},
            "/fit/validation_freq",
            "a number up to 3",
        ),
        (
            {"epochs": 3, "validation_split": 0.5, "validation_freq": [1, 9]},
            "/fit/validation_freq/1",
            "1 to 3",
        ),
    ],
)
def test_a_contradiction_is_found_at_its_place(fit: dict[str, Any], place: str, text: str) -> None:
    (fault,) = find_fit_faults(request(**fit))
    assert fault.pointer == place
    assert text in fault.detail


def test_a_fit_without_contradictions_has_no_fault() -> None:
    assert not list(find_fit_faults(request()))
    sent = {"epochs": 4, "initial_epoch": 2, "validation_split": 0.5, "validation_freq": [3]}
    assert not list(find_fit_faults(request(**sent)))


@pytest.mark.parametrize(
    ("frequency", "first", "validated"),
    [(1, 0, [1, 2, 3, 4, 5, 6]), (3, 0, [3, 6]), (2, 2, [4, 6]), ([6, 1, 1], 0, [1, 6])],
)
def test_the_epochs_that_validate_are_counted_from_one(
    frequency: int | list[int], first: int, validated: list[int]
) -> None:
    fit = Fit(epochs=6, initial_epoch=first, validation_freq=frequency)
    assert [e for e in range(first + 1, 7) if fit.validates_after(e)] == validated
    assert fit.validated_epochs == len(validated)


@pytest.mark.parametrize(("steps", "is_fault"), [(4, False), (5, True)])
def test_an_epoch_has_at_most_the_steps_of_all_rows(steps: int, is_fault: bool) -> None:
    sent = request(batch_size=3, steps_per_epoch=steps)
    assert bool(list(find_step_faults(sent, rows=10))) is is_fault
