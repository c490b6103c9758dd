"""Trainings that are cut off and go on, and what they have to be equal to."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.worker.orders import Attempt, Jobs, start
from worker.messages import Checkpointed, FromChild, Save, Stepped
from worker.order import Order


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


def asked(jobs: Jobs, order: Order, moment: Any) -> tuple[Checkpointed, Path]:
    """A checkpoint asked for at a moment of a training that is killed then, and its file."""
    attempt = start(order)
    attempt.until(moment)
    attempt.connection.send(Save())
    said = attempt.until(lambda message: isinstance(message, Checkpointed))
    assert isinstance(said, Checkpointed)
    assert said.checkpoint is not None
    kept = jobs.keep(attempt.folder / said.checkpoint.name)
    attempt.kill()
    return said, kept
