"""Executes `build` jobs."""

from typing import Any

from domain.job.outcome import ModelMade
from worker.protocol.messages import Started
from worker.protocol.tasks import BuildTask
from worker.training.handlers.model import make_model
from worker.training.hardware.environment import describe_environment
from worker.training.supervisor_link import SupervisorLink
from worker.training.trained import Trained


def execute(task: BuildTask, link: SupervisorLink) -> ModelMade:
    """Writes the files of a model with its initial weights."""

    def train_nothing(*_: Any) -> Trained:
        link.send(Started(describe_environment(task.deterministic), epoch=0, step=0, steps=0))
        return Trained()

    return make_model(task, link, train_nothing)
