"""Epochs as Keras's `fit` counts, divides and validates them, and their early end."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from domain.job.job import Stop
from domain.job.recipe import Component, Fit
from tests.worker.child import in_child
from tests.worker.resuming import assert_same, checkpoint_at, with_folder, within
from tests.worker.training_tasks import DENSE, Jobs, dense_columns, recipe, start
from worker.protocol.messages import Checkpointed, EpochEnded, FinishTraining, Stepped
from worker.training.hardware.environment import pin
from worker.training.steps import Part, make_parts, make_row_order

FIT = Fit(
    epochs=5,
    initial_epoch=1,
    steps_per_epoch=4,
    validation_split=0.25,
    validation_freq=2,
    validation_batch_size=50,
)
SEED = 7


def fit_by_keras(columns: dict[str, Any]) -> tuple[list[Any], list[dict[str, float]]]:
    """Trains with the rows in the job's order; 300 rows train, in 10 batches.

    Returns:
        The weights, and the metrics of each epoch.
    """
    pin(deterministic=True)
    keras.utils.set_random_seed(SEED)
    x = keras.Input((64,), name="x")
    hidden = layers.Dense(64, activation="relu")(x)
    hidden = layers.Dropout(0.2)(hidden)
    model = keras.Model(x, layers.Dense(10, activation="softmax")(hidden))
    model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
    orders = [make_row_order(SEED, number, 300, shuffle=True) for number in range(3)]
    batches = [order[at : at + 32] for order in orders for at in range(0, 300, 32)]
    logs = []
    for epoch in range(1, 5):
        history = model.fit(
            _yield_batches(columns, batches[4 * epoch : 4 * epoch + 4]),
            steps_per_epoch=4,
            initial_epoch=epoch,
            epochs=epoch + 1,
            validation_data=(columns["x"][300:], columns["y"][300:]),
            validation_freq=2,
            validation_batch_size=50,
            verbose=0,
        ).history
        logs.append({name: values[-1] for name, values in history.items()})
    return model.get_weights(), logs


def _yield_batches(columns: dict[str, Any], batches: list[Any]) -> Iterator[Any]:
    for rows in batches:
        yield columns["x"][rows].astype("float32"), columns["y"][rows].astype("float32")


def test_epochs_of_a_part_of_the_rows_equal_those_of_keras(jobs: Jobs) -> None:
    columns = dense_columns(400)
    attempt = start(jobs.train(DENSE, columns, recipe(), FIT))
    attempt.finish()
    weights, logs = in_child(fit_by_keras, columns)

    ours = attempt.weights()
    kernels = [ours["hidden/kernel"], ours["hidden/bias"], ours["y/kernel"], ours["y/bias"]]
    assert all(map(np.array_equal, kernels, weights))
    assert attempt.metrics() == logs
    ended = [m for m in attempt.messages if isinstance(m, EpochEnded)]
    assert [m.epoch for m in ended] == [2, 3, 4, 5]
    assert ["val_loss" in m.metrics for m in ended] == [True, False, True, False]


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, [(0, 0, 3)]), (1, [(0, 3, 4), (1, 0, 2)]), (2, [(1, 2, 4), (2, 0, 1)]), (3, [(2, 1, 4)])],
)
def test_passes_over_the_rows_follow_each_other(
    epoch: int, expected: list[tuple[int, int, int]]
) -> None:
    orders = [np.array([number]) for number in range(3)]
    parts = make_parts(epoch, 3, 4, lambda number: orders[number])
    assert parts == [Part(orders[number], first, stop) for number, first, stop in expected]


LONG = Fit(epochs=50, batch_size=1, validation_split=0.25)


def test_a_training_that_is_finished_within_an_epoch_keeps_what_it_has(jobs: Jobs) -> None:
    attempt = start(jobs.train(DENSE, dense_columns(20_000), recipe(), LONG))
    attempt.until(lambda message: isinstance(message, Stepped) and message.step > 0)
    attempt.connection.send(FinishTraining())
    made = attempt.finish()

    assert made.stopped is not None
    assert made.stopped.step is not None
    assert made.stopped == Stop(epoch=1, reason="asked", step=made.stopped.step)
    assert 0 < made.stopped.step < 15_000
    assert made.epoch == 1
    assert made.metrics == attempt.metrics()[-1]
    assert {*made.metrics} == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_a_training_that_is_finished_between_epochs_has_whole_epochs(jobs: Jobs) -> None:
    fit = Fit(epochs=100_000, batch_size=400)
    attempt = start(jobs.train(DENSE, dense_columns(400), recipe(), fit))
    attempt.until(lambda message: isinstance(message, EpochEnded))
    attempt.connection.send(FinishTraining())
    made = attempt.finish()

    assert made.stopped == Stop(epoch=len(attempt.metrics()), reason="asked")


@pytest.mark.slow
def test_the_best_weights_are_restored_after_a_finish(jobs: Jobs) -> None:
    early = Component(
        type="EarlyStopping",
        config={"monitor": "loss", "mode": "max", "patience": 99, "restore_best_weights": True},
    )
    fit = Fit(epochs=50_000, batch_size=100, callbacks=[early])
    attempt = start(jobs.train(DENSE, dense_columns(400), recipe(), fit))
    attempt.until(lambda message: isinstance(message, EpochEnded) and message.epoch > 3)
    attempt.connection.send(FinishTraining())
    made = attempt.finish()

    losses = [metrics["loss"] for metrics in attempt.metrics()]
    assert made.epoch == losses.index(max(losses)) + 1
    assert made.best is not None
    assert made.best.epoch == made.epoch


@pytest.mark.slow
def test_an_epoch_of_several_passes_resumes_with_the_same_bits(jobs: Jobs) -> None:
    fit = Fit(epochs=4, initial_epoch=1, batch_size=1, steps_per_epoch=900)
    task = jobs.train(DENSE, dense_columns(1_000), recipe(optimizer="adam"), fit)
    whole = start(task)
    whole.finish()
    saved, checkpoint = checkpoint_at(jobs, with_folder(jobs, task), within(2))
    assert isinstance(saved, Checkpointed)
    assert saved.epoch == 2
    resumed = start(with_folder(jobs, task, checkpoint=checkpoint))
    resumed.finish()

    assert_same(resumed, whole)
