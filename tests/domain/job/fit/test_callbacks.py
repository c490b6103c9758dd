"""Faults of tables of learning rates, of swapped averages and of accumulated gradients."""

from typing import Any

import pytest

from domain.job.fit.callbacks import find_callback_faults
from domain.job.fit.rules import add_accumulation, find_fit_faults, find_step_faults
from domain.job.job import JobRequest
from domain.job.recipe import Component


def request(compiled: dict[str, Any] | None = None, **fit: Any) -> JobRequest:
    ids = {"graph": "graph_" + "0" * 26, "dataset": "dataset_" + "0" * 26}
    return JobRequest.model_validate({**ids, "compile": compiled or {}, "fit": fit})


def schedule(**config: Any) -> dict[str, Any]:
    return {"type": "LearningRateSchedule", "config": config}


@pytest.mark.parametrize(
    ("callbacks", "place"),
    [
        (["LearningRateSchedule"], "/fit/callbacks/0/config/rates"),
        ([schedule(rates={})], "/fit/callbacks/0/config/rates"),
        ([schedule(rates={"0": 0.1})], "/fit/callbacks/0/config/rates/0"),
        ([schedule(rates={"1": "x"})], "/fit/callbacks/0/config/rates/1"),
        ([schedule(rates={"1": -1})], "/fit/callbacks/0/config/rates/1"),
        ([schedule(rates={"9": 0.1})], "/fit/callbacks/0/config/rates"),
        ([schedule(rates={"1": 0.1}), schedule(rates={"1": 0.1})], "/fit/callbacks/1"),
        (["SwapEMAWeights"], "/fit/callbacks/0"),
    ],
)
def test_a_faulty_callback_is_found_at_its_place(callbacks: list[Any], place: str) -> None:
    (fault,) = find_callback_faults(request(epochs=4, callbacks=callbacks))
    assert fault.pointer == place


def test_callbacks_without_faults_have_none() -> None:
    averaging = {"optimizer": {"type": "Adam", "config": {"use_ema": True}}}
    callbacks = ["SwapEMAWeights", schedule(rates={"1": 0.1, "70": 0})]
    assert not list(find_callback_faults(request(averaging, callbacks=callbacks)))


ACCUMULATING = {"optimizer": {"type": "SGD", "config": {"gradient_accumulation_steps": 3}}}


def test_accumulation_is_given_once() -> None:
    (fault,) = find_fit_faults(request(ACCUMULATING, accumulate=3))
    assert fault.pointer == "/fit/accumulate"
    assert not list(find_fit_faults(request(accumulate=3)))
    made = add_accumulation("adam", 3)
    assert made == Component(type="adam", config={"gradient_accumulation_steps": 3})
    assert add_accumulation("adam", None) == "adam"


def test_options_are_those_of_the_optimizer_that_a_scaling_one_takes() -> None:
    def scale(**config: Any) -> Component:
        inner: Any = {"type": "Adam", "config": config} if config else "adam"
        return Component(type="LossScaleOptimizer", config={"inner_optimizer": inner})

    averaging = {"optimizer": scale(use_ema=True).model_dump()}
    assert not list(find_callback_faults(request(averaging, callbacks=["SwapEMAWeights"])))
    made = add_accumulation(scale(), 3)
    steps: Any = {"type": "adam", "config": {"gradient_accumulation_steps": 3}}
    assert made == Component(type="LossScaleOptimizer", config={"inner_optimizer": steps})
    sent = {"optimizer": scale(gradient_accumulation_steps=3).model_dump()}
    ((place, _),) = find_step_faults(request(sent, batch_size=5), rows=10)
    assert place[-3:] == ("inner_optimizer", "config", "gradient_accumulation_steps")


def test_accumulation_reaches_the_weights() -> None:
    whole = "/".join
    sent = request(epochs=2, batch_size=4, accumulate=7)  # 2 epochs of 3 steps
    ((place, detail),) = find_step_faults(sent, rows=10)
    assert whole(map(str, place)) == "fit/accumulate"
    assert "at most 6" in detail
    ((place, _),) = find_step_faults(request(ACCUMULATING, batch_size=5), rows=10)
    assert whole(map(str, place)) == "compile/optimizer/config/gradient_accumulation_steps"
    assert not list(find_step_faults(request(ACCUMULATING, batch_size=4), rows=10))
