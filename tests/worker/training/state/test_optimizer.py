"""A training that goes on with the optimizer of another one has the bits of a single training."""

from typing import Any

import pytest

from domain.job.fit.continuation import FILE
from domain.job.recipe import Component, Fit
from tests.worker.resuming import assert_same, with_folder
from tests.worker.training_tasks import DENSE, Attempt, Jobs, dense_columns, recipe, start

DECAY = Component(
    type="Adam",
    config={
        "learning_rate": {
            "type": "ExponentialDecay",
            "config": {"initial_learning_rate": 0.01, "decay_steps": 5, "decay_rate": 0.9},
        }
    },
)
AVERAGING = Component(
    type="Adam", config={"use_ema": True, "ema_momentum": 0.9, "gradient_accumulation_steps": 3}
)
SWAP = Component(type="SwapEMAWeights", config={"swap_on_epoch": True})
PLATEAU = Component(type="ReduceLROnPlateau", config={"monitor": "loss", "patience": 9})


def go_on(jobs: Jobs, source: Attempt, task: Any, **fields: Any) -> Attempt:
    """Trains further, from the files of an attempt."""
    paths = {
        "initial_weights": source.folder / "model.safetensors",
        "optimizer_state": source.folder / FILE,
    }
    attempt = start(with_folder(jobs, task, **paths, **fields))
    attempt.finish()
    return attempt


@pytest.mark.parametrize(
    ("optimizer", "callbacks"),
    [
        pytest.param(DECAY, [], id="adam and a schedule"),
        pytest.param("adam", [PLATEAU], id="a rate", marks=pytest.mark.slow),
        pytest.param(AVERAGING, [SWAP], id="averages and accumulation"),
    ],
)
def test_two_and_two_epochs_are_four(jobs: Jobs, optimizer: Any, callbacks: list[Any]) -> None:
    columns, made = dense_columns(200), recipe(optimizer=optimizer)

    def task(epochs: int, first: int = 0) -> Any:
        fit = Fit(epochs=epochs, initial_epoch=first, callbacks=callbacks)
        return jobs.train(DENSE, columns, made, fit)

    whole, half = start(task(4)), start(task(2))
    whole.finish()
    half.finish()
    counted = go_on(jobs, half, task(4, first=2))
    assert counted.metrics() == whole.metrics()[2:]
    again = go_on(jobs, half, task(2), order_shift=2)
    for attempt in (counted, again):
        ours, theirs = attempt.weights(), whole.weights()
        assert all((ours[name] == theirs[name]).all() for name in theirs)


@pytest.mark.slow
def test_a_new_rate_takes_the_place_of_the_old_one(jobs: Jobs) -> None:
    columns, fit = dense_columns(200), Fit(epochs=2, callbacks=[PLATEAU])
    half = start(jobs.train(DENSE, columns, recipe(optimizer="adam"), fit))
    half.finish()
    other = Component(type="Adam", config={"learning_rate": 0.5})
    task = jobs.train(DENSE, columns, recipe(optimizer=other), fit)
    changed = go_on(jobs, half, task, keeps_rate=False)
    assert {metrics["learning_rate"] for metrics in changed.metrics()} == {0.5}
    kept = go_on(jobs, half, task, keeps_rate=True)
    same = go_on(jobs, half, jobs.train(DENSE, columns, recipe(optimizer="adam"), fit))
    assert_same(kept, same)
