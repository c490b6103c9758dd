"""What callbacks decide: the end of a training, its best epoch, and the epoch that is kept."""

from typing import Any

import keras
import numpy as np
import pytest

from domain.job.job import Best, Stop
from domain.job.outcome import ModelMade
from domain.job.recipe import Component, Fit
from tests.worker.resuming import with_folder
from tests.worker.training_tasks import (
    DENSE,
    PLAIN,
    Attempt,
    Jobs,
    checkpointed,
    dense_columns,
    recipe,
    start,
)
from worker.training.state.callbacks import find_best, find_stop, get_kept_epoch

PATIENCE = 2
RATE = Component(type="SGD", config={"learning_rate": 3.0})
"""A learning rate with which the validation soon gets worse."""


def stopping(**config: Any) -> Component:
    return Component(type="EarlyStopping", config={"patience": PATIENCE, **config})


def finish(jobs: Jobs, *callbacks: Any, epochs: int = 30, **fields: Any) -> tuple[Attempt, Any]:
    fit = Fit(epochs=epochs, validation_split=0.25, callbacks=[*callbacks])
    task = jobs.train(PLAIN, dense_columns(100), recipe(optimizer=RATE), fit, **fields)
    attempt = start(task)
    return attempt, attempt.finish()


def test_the_metrics_are_those_of_the_best_weights(jobs: Jobs) -> None:
    attempt, made = finish(jobs, stopping(restore_best_weights=True))
    assert isinstance(made, ModelMade)
    history = attempt.metrics()
    losses: Any = [epoch["val_loss"] for epoch in history]
    best = int(np.argmin(losses)) + 1

    assert len(history) == best + PATIENCE < 30
    assert made.stopped == Stop(epoch=len(history), reason="early_stopping", monitor="val_loss")
    assert made.best == Best(epoch=best, monitor="val_loss", value=min(losses))
    assert (made.epoch, made.metrics) == (best, history[best - 1])

    shorter, until_best = finish(jobs, epochs=best)
    assert until_best.metrics == made.metrics
    for name, array in attempt.weights().items():
        assert np.array_equal(array, shorter.weights()[name]), name


@pytest.mark.slow
def test_without_restored_weights_the_last_epoch_is_kept(jobs: Jobs) -> None:
    attempt, made = finish(jobs, stopping())
    history = attempt.metrics()

    assert (made.epoch, made.metrics) == (len(history), history[-1])
    assert made.best is not None
    assert made.best.epoch == len(history) - PATIENCE


def test_a_training_that_runs_all_epochs_is_not_stopped(jobs: Jobs) -> None:
    _, made = finish(jobs, epochs=2)
    assert (made.epoch, made.stopped, made.best) == (2, None, None)


def test_a_loss_that_is_not_finite_is_the_reason_of_the_stop(jobs: Jobs) -> None:
    columns = dense_columns(100)
    columns["x"][5] = np.nan
    fit = Fit(epochs=3, callbacks=["TerminateOnNaN"])
    attempt = start(jobs.train(PLAIN, columns, recipe(), fit))
    made = attempt.finish()

    assert made.stopped == Stop(epoch=1, reason="terminate_on_nan")
    assert made.epoch == 1


@pytest.mark.slow
def test_a_resumed_training_ends_with_the_same_reason_and_best_epoch(jobs: Jobs) -> None:
    columns = dense_columns(2_000)
    fit = Fit(epochs=40, validation_split=0.25, callbacks=[stopping(restore_best_weights=True)])
    task = jobs.train(DENSE, columns, recipe(optimizer=RATE), fit)
    whole = start(task)
    expected = whole.finish()
    assert expected.stopped is not None
    first = start(with_folder(jobs, task))
    checkpoint = jobs.keep(checkpointed(first, 1))
    first.kill()
    resumed = start(with_folder(jobs, task, checkpoint=checkpoint))
    made = resumed.finish()

    assert (made.stopped, made.best, made.epoch) == (
        expected.stopped,
        expected.best,
        expected.epoch,
    )
    assert made.metrics == expected.metrics


def early(monitor: str = "loss", *, restores: bool = False, **state: Any) -> Any:
    made = keras.callbacks.EarlyStopping(monitor, restore_best_weights=restores)
    made.on_train_begin()
    for name, value in state.items():
        setattr(made, name, value)
    return made


def test_of_several_callbacks_the_last_that_restores_decides() -> None:
    plain = early(best=1.0, best_epoch=4, stopped_epoch=6)
    one = early("a", restores=True, best=2.0, best_epoch=1, best_weights=[])
    other = early("b", restores=True, best=3.0, best_epoch=2, best_weights=[])

    assert get_kept_epoch([plain, one, other], 7) == 3
    assert find_best([plain, one, other]) == Best(epoch=3, monitor="b", value=3.0)
    assert get_kept_epoch([plain], 7) == 7
    assert find_best([early(), plain]) == Best(epoch=5, monitor="loss", value=1.0)
    assert find_best([early()]) is None


def test_a_loss_that_is_not_finite_is_a_reason_before_early_stopping() -> None:
    callbacks = [early(stopped_epoch=2), keras.callbacks.TerminateOnNaN()]
    assert find_stop(callbacks, 3, is_finite=False).reason == "terminate_on_nan"
    assert find_stop(callbacks, 3, is_finite=True).reason == "early_stopping"
    assert find_stop(callbacks[:1], 3, is_finite=False).reason == "early_stopping"


def test_a_metric_of_each_class_is_a_list(jobs: Jobs) -> None:
    made = recipe(metrics=[Component(type="F1Score")])
    fit = Fit(epochs=2, validation_split=0.25, callbacks=["ReduceLROnPlateau"])
    attempt = start(jobs.train(PLAIN, dense_columns(100), made, fit))
    outcome = attempt.finish()

    for epoch in attempt.metrics():
        for name in ("f1_score", "val_f1_score"):
            values: Any = epoch[name]
            assert len(values) == 10
            assert all(0 <= value <= 1 for value in values)
        assert isinstance(epoch["loss"], float)
    assert outcome.metrics == attempt.metrics()[-1]
