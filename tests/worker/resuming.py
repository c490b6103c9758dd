"""Trainings that are cut off and go on, and what they have to be equal to."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from tests.worker.training_orders import Attempt, Jobs, start
from worker.protocol.messages import Checkpointed, FromChild, Save, Stepped
from worker.protocol.training_order import Order
from worker.training import steps
from worker.training.main import train


def same(one: Attempt, other: Attempt) -> None:
    ours, theirs = one.weights(), other.weights()
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert np.array_equal(array, theirs[name]), name
    assert one.metrics() == other.metrics()


def with_folder(jobs: Jobs, order: Order, **fields: Any) -> Order:
    return replace(order, folder=jobs.folder(), **fields)


def within(epoch: int) -> Any:
    """In the middle of training."""

    def found(message: FromChild) -> bool:
        return isinstance(message, Stepped) and (
            message.epoch == epoch and 0 < message.step < message.steps
        )

    return found


def in_small_executions(
    target: Callable[[Order, Connection], None], order: Order, connection: Connection
) -> None:
    """However fast the machine is, there are many in an epoch."""
    steps.EXECUTION_SECONDS = 0.01
    target(order, connection)


def asked(
    jobs: Jobs,
    order: Order,
    moment: Any,
    target: Callable[[Order, Connection], None] = train,
) -> tuple[Checkpointed, Path]:
    """A checkpoint asked for at a moment of a training that is killed then, and its file."""
    attempt = start(order, partial(in_small_executions, target))
    attempt.until(moment)
    attempt.connection.send(Save())
    said = attempt.until(lambda message: isinstance(message, Checkpointed))
    assert isinstance(said, Checkpointed)
    assert said.checkpoint is not None
    kept = jobs.keep(attempt.folder / said.checkpoint.name)
    attempt.kill()
    return said, kept
