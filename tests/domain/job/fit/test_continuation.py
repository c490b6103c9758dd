"""What must be equal for a training to go on with an optimizer, and what is taken from it."""

from typing import Any

import pytest

from domain.job.fit.continuation import (
    TrainingState,
    continue_request,
    find_misfits,
    find_rule_faults,
    keeps_rate,
)
from domain.job.job import JobRequest
from domain.job.recipe import Component

ADAM = Component(type="Adam", config={"learning_rate": 0.01, "amsgrad": True})
STATE = TrainingState(seed=7, epochs=2, optimizer=ADAM, freeze=["a*"])


def request(**fields: Any) -> JobRequest:
    ids = {"model": "model_" + "0" * 26, "dataset": "dataset_" + "0" * 26}
    return JobRequest.model_validate({**ids, "optimizer_state": True, **fields})


def test_the_optimizer_and_the_seed_of_the_source_are_the_defaults() -> None:
    made = continue_request(request(fit={"freeze": ["a*"]}), STATE)
    assert (made.seed, made.compile.optimizer) == (7, ADAM)
    assert not list(find_misfits(made, STATE))
    assert keeps_rate(made, STATE)
    given = continue_request(request(seed=3, compile={"optimizer": "sgd"}), STATE)
    assert (given.seed, given.compile.optimizer) == (3, "sgd")


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({"compile": {"optimizer": "adam"}}, {"/compile/optimizer", "/fit/freeze"}),
        ({"fit": {"freeze": ["a*"], "accumulate": 2}}, {"/compile/optimizer"}),
        ({"fit": {"freeze": ["a*"]}, "mixed_precision": True}, {"/mixed_precision"}),
    ],
)
def test_a_training_whose_state_would_not_fit_is_refused(
    fields: dict[str, Any], places: set[str]
) -> None:
    made = continue_request(request(**fields), STATE)
    assert {fault.pointer for fault in find_misfits(made, STATE)} == places


def test_another_rate_takes_the_place_of_the_present_one() -> None:
    optimizer = {"type": "adam", "config": {"learning_rate": 0.1, "amsgrad": True}}
    made = request(compile={"optimizer": optimizer}, fit={"freeze": ["a*"]})
    assert not list(find_misfits(made, STATE))
    assert not keeps_rate(made, STATE)


def test_the_state_is_that_of_a_model() -> None:
    assert not list(find_rule_faults(request()))
    sent = {"graph": "graph_" + "0" * 26, "dataset": "dataset_" + "0" * 26}
    faulty = JobRequest.model_validate({**sent, "optimizer_state": True})
    assert [fault.pointer for fault in find_rule_faults(faulty)] == ["/optimizer_state"]
