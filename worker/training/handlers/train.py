"""Executes `train` jobs."""

from typing import Any

from compiler.model.build import BuiltModel
from domain.job.job import Epoch
from domain.job.outcome import ModelMade
from worker.protocol.tasks import TrainTask
from worker.training.epochs import Training
from worker.training.handlers.model import make_model
from worker.training.output_folder import OutputFolder
from worker.training.supervisor_link import SupervisorLink


def execute(task: TrainTask, link: SupervisorLink) -> ModelMade:
    """Trains a model and writes its files."""

    def train(built: BuiltModel, folder: OutputFolder, strategy: Any) -> list[Epoch]:
        return Training(task, built, folder, link, strategy).run()

    return make_model(task, link, train)
