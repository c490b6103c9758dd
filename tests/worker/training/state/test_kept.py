"""Checkpoints that a training keeps have the weights of their epochs, also after a resume."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from domain.job.recipe import Checkpoints, Component, Fit
from tests.worker.resuming import with_folder
from tests.worker.training_tasks import (
    DENSE,
    PLAIN,
    Arrays,
    Attempt,
    Jobs,
    checkpointed,
    dense_columns,
    recipe,
    start,
)
from worker.protocol.messages import EpochEnded, Kept


def find_kept(attempt: Attempt) -> dict[int, Kept]:
    ended = [message for message in attempt.messages if isinstance(message, EpochEnded)]
    return {message.epoch: message.kept for message in ended if message.kept is not None}


def load(attempt: Attempt, epoch: int) -> Arrays:
    arrays: Arrays = load_file(attempt.folder / f"epoch-{epoch}.safetensors")
    return arrays


def assert_equal(one: Arrays, other: Arrays) -> None:
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_each_checkpoint_has_the_weights_of_a_training_that_ends_there(jobs: Jobs) -> None:
    columns = dense_columns(100)
    fit = Fit(epochs=5, checkpoints=Checkpoints(every=2, keep=1))
    attempt = start(jobs.train(DENSE, columns, recipe(), fit))
    attempt.finish()
    short = start(jobs.train(DENSE, columns, recipe(), Fit(epochs=2)))
    short.finish()

    kept = find_kept(attempt)
    assert {epoch: (item.step, item.dropped) for epoch, item in kept.items()} == {
        2: (8, ()),
        4: (16, (2,)),
    }
    assert_equal(load(attempt, 2), short.weights())


def test_the_best_checkpoint_has_the_weights_that_early_stopping_restores(jobs: Jobs) -> None:
    early = Component(
        type="EarlyStopping",
        config={"monitor": "val_accuracy", "patience": 99, "restore_best_weights": True},
    )
    rule = Checkpoints(best="val_accuracy")
    fit = Fit(epochs=6, validation_split=0.5, callbacks=[early], checkpoints=rule)
    attempt = start(jobs.train(PLAIN, dense_columns(100), recipe(), fit))
    made = attempt.finish()

    assert made.epoch == max(find_kept(attempt))
    assert made.epoch is not None
    assert_equal(load(attempt, made.epoch), attempt.weights())


@pytest.mark.slow
def test_a_resumed_training_keeps_and_drops_the_same(jobs: Jobs) -> None:
    rule = Checkpoints(best="loss", every=3, keep=2)
    task = jobs.train(
        DENSE, dense_columns(2_000), recipe(), Fit(epochs=40, batch_size=8, checkpoints=rule)
    )
    whole = start(task)
    made = whole.finish()
    killed = start(with_folder(jobs, task))
    checkpoint = jobs.keep(checkpointed(killed, at_least=6))
    killed.kill()
    resumed = start(with_folder(jobs, task, checkpoint=checkpoint))
    again = resumed.finish()

    expected, found = find_kept(whole), find_kept(resumed)
    assert found
    for epoch, item in found.items():
        assert (item.step, item.dropped) == (expected[epoch].step, expected[epoch].dropped)
        assert_equal(load(resumed, epoch), load(whole, epoch))
    assert again.best == made.best
