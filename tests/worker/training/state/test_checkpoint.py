"""Resumes from checkpoints: after an epoch, within an epoch and during a validation."""

from dataclasses import replace
from typing import Any

import pytest

from domain.job.recipe import Component, Fit
from tests.worker.resuming import assert_same, checkpoint_at, with_folder, within
from tests.worker.training_tasks import (
    DENSE,
    WORDS,
    Jobs,
    checkpointed,
    dense_columns,
    recipe,
    start,
    words_columns,
)
from worker.protocol.messages import (
    Checkpointed,
    EpochEnded,
    FromChild,
    SaveCheckpoint,
    Started,
    Stepped,
)
from worker.protocol.tasks import TrainTask


def decaying_sgd() -> Component:
    """An SGD optimizer whose learning rate decays with each step."""
    schedule: dict[str, Any] = {
        "type": "ExponentialDecay",
        "config": {"initial_learning_rate": 0.01, "decay_steps": 20, "decay_rate": 0.9},
    }
    return Component(type="SGD", config={"learning_rate": schedule, "momentum": 0.9})


PLATEAU = Component(
    type="ReduceLROnPlateau",
    config={"monitor": "val_loss", "patience": 1, "factor": 0.5, "cooldown": 1},
)
EARLY = Component(
    type="EarlyStopping",
    config={"monitor": "val_loss", "patience": 50, "restore_best_weights": True},
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "callbacks"),
    [
        pytest.param("adam", [PLATEAU, EARLY], id="adam, plateau, early stopping"),
        pytest.param(decaying_sgd(), [], id="exponential decay"),
        pytest.param(
            Component(type="Nadam", config={"use_ema": True, "ema_overwrite_frequency": 30}),
            ["TerminateOnNaN"],
            id="nadam with ema",
        ),
    ],
)
def test_a_resumed_training_equals_an_uninterrupted_one(
    jobs: Jobs, optimizer: Any, callbacks: list[Any]
) -> None:
    task = jobs.train(
        WORDS,
        words_columns(),
        recipe("binary_crossentropy", optimizer),
        Fit(epochs=20, validation_split=0.2, callbacks=callbacks),
    )
    uninterrupted = start(task)
    uninterrupted.finish()

    killed = start(with_folder(jobs, task))
    checkpoint = jobs.keep(checkpointed(killed, at_least=4))
    killed.kill()
    resumed = start(with_folder(jobs, task, checkpoint=checkpoint))
    resumed.finish()

    started = resumed.messages[0]
    assert isinstance(started, Started)
    assert checkpoint.stem == f"checkpoint-{started.epoch}-0"
    assert_same(resumed, uninterrupted)


@pytest.mark.slow
def test_a_training_that_stopped_early_is_not_continued(jobs: Jobs) -> None:
    stop = Component(type="EarlyStopping", config={"monitor": "loss", "min_delta": 1e9})
    task = jobs.train(DENSE, dense_columns(), recipe(), Fit(epochs=9, callbacks=[stop]))
    first = start(task)
    first.finish()
    epochs = [message for message in first.messages if isinstance(message, EpochEnded)]
    assert len(epochs) == 2
    checkpoint = epochs[-1].checkpoint or epochs[0].checkpoint
    assert checkpoint is not None

    kept = jobs.keep(task.folder / checkpoint.name)
    resumed = start(with_folder(jobs, task, checkpoint=kept))
    resumed.finish()

    assert_same(resumed, first)


@pytest.mark.slow
def test_short_epochs_do_not_each_have_a_checkpoint(jobs: Jobs) -> None:
    attempt = start(jobs.train(DENSE, dense_columns(), recipe(), Fit(epochs=60)))
    attempt.finish()

    kept = [m.checkpoint is not None for m in attempt.messages if isinstance(m, EpochEnded)]
    assert kept[0]
    assert len(kept) == 60
    assert not all(kept)


def long_epochs(jobs: Jobs, rows: int = 3_000, **fields: Any) -> TrainTask:
    """A task with many executions in each epoch and validation, and with much state."""
    made = recipe("binary_crossentropy", "adam", metrics=["accuracy", "AUC"])
    plateau = Component(type="ReduceLROnPlateau", config={"monitor": "val_loss", "patience": 1})
    fit = Fit(epochs=4, batch_size=1, validation_split=0.5, callbacks=[plateau, EARLY])
    return replace(jobs.train(WORDS, words_columns(rows), made, fit), **fields)


def during_validation(epoch: int) -> Any:
    """Matches a message from the validation after so many finished epochs."""

    def found(message: FromChild) -> bool:
        return isinstance(message, Stepped) and (
            message.epoch == epoch and message.step == message.steps
        )

    return found


@pytest.mark.slow
def test_a_training_waits_after_a_requested_checkpoint(jobs: Jobs) -> None:
    attempt = start(long_epochs(jobs))
    attempt.until(within(1))
    attempt.connection.send(SaveCheckpoint())
    attempt.until(lambda message: getattr(message, "checkpoint", None) is not None)
    assert not attempt.connection.poll(1)  # four reports of progress are due in this time
    attempt.kill()


@pytest.mark.slow
def test_a_training_resumes_within_an_epoch_and_a_validation(jobs: Jobs) -> None:
    task = long_epochs(jobs)
    uninterrupted = start(task)
    uninterrupted.finish()

    first, checkpoint = checkpoint_at(jobs, with_folder(jobs, task), within(1))
    assert (first.epoch, 0 < first.step < first.steps) == (1, True)
    again = with_folder(jobs, task, checkpoint=checkpoint)
    second, checkpoint = checkpoint_at(jobs, again, within(1))
    assert second.epoch == 1
    assert second.step > first.step
    third, checkpoint = checkpoint_at(
        jobs, with_folder(jobs, task, checkpoint=checkpoint), during_validation(2)
    )
    assert (third.epoch, third.step) == (2, third.steps)
    resumed = start(with_folder(jobs, task, checkpoint=checkpoint))
    resumed.finish()

    started = resumed.messages[0]
    assert isinstance(started, Started)
    assert (started.epoch, started.step) == (2, third.steps)
    assert not any(isinstance(m, EpochEnded) and m.epoch < 3 for m in resumed.messages)
    assert_same(resumed, uninterrupted)


@pytest.mark.slow
def test_a_long_epoch_has_a_checkpoint_every_checkpoint_seconds(jobs: Jobs) -> None:
    attempt = start(long_epochs(jobs, rows=10_000, checkpoint_seconds=1.0))
    for _ in range(3):
        attempt.until(lambda message: isinstance(message, Checkpointed))
    attempt.kill()

    saved = [m for m in attempt.messages if isinstance(m, Checkpointed | EpochEnded)]
    assert all(isinstance(m, Checkpointed) for m in saved[:2])
    assert sum(isinstance(m, Checkpointed) for m in saved) == 3
