"""Trainings that are interrupted and resumed, and the comparison of their results."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from tests.worker.training_tasks import Attempt, Jobs, start
from worker.protocol.messages import Checkpointed, FromChild, SaveCheckpoint, Stepped
from worker.protocol.tasks import TrainTask
from worker.training import epochs, steps
from worker.training.main import run


def assert_same(one: Attempt, other: Attempt) -> None:
    """Asserts that weights and metrics are equal bit for bit."""
    ours, theirs = one.weights(), other.weights()
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert np.array_equal(array, theirs[name]), name
    assert one.metrics() == other.metrics()


def with_folder(jobs: Jobs, task: TrainTask, **fields: Any) -> TrainTask:
    return replace(task, folder=jobs.folder(), **fields)


def within(epoch: int) -> Any:
    """Matches a message from the middle of an epoch."""

    def found(message: FromChild) -> bool:
        return isinstance(message, Stepped) and (
            message.epoch == epoch and 0 < message.step < message.steps
        )

    return found


def in_small_executions(
    target: Callable[[TrainTask, Connection], None], task: TrainTask, connection: Connection
) -> None:
    """Runs a task with many executions in each epoch, and reports each, even on a fast machine."""
    steps.EXECUTION_SECONDS = 0.01
    epochs.SECONDS_BETWEEN_REPORTS = 0
    target(task, connection)


def checkpoint_at(
    jobs: Jobs,
    task: TrainTask,
    moment: Any,
    target: Callable[[TrainTask, Connection], None] = run,
) -> tuple[Checkpointed, Path]:
    """Requests a checkpoint at a moment of a training, then kills it.

    Returns:
        The message and a copy of the file.
    """
    attempt = start(task, partial(in_small_executions, target))
    attempt.until(moment)
    attempt.connection.send(SaveCheckpoint())
    message = attempt.until(lambda message: isinstance(message, Checkpointed))
    assert isinstance(message, Checkpointed)
    assert message.checkpoint is not None
    kept = jobs.keep(attempt.folder / message.checkpoint.name)
    attempt.kill()
    return message, kept
