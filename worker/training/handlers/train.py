"""Executes `train` jobs."""

from functools import cache, partial
from typing import Any

from compiler.model.build import BuiltModel
from compiler.training.freezing import frozen
from domain.graph.language import Blueprint
from domain.job.outcome import ModelMade
from domain.report.report import Report
from worker.protocol.tasks import TrainTask
from worker.training.adaptation import adapt, learns_states
from worker.training.epochs import Training
from worker.training.handlers.model import make_model
from worker.training.output_folder import OutputFolder
from worker.training.reports.validation import try_report
from worker.training.rows.prepared import prepare_data
from worker.training.state.checkpoint import restore_blueprint
from worker.training.supervisor_link import SupervisorLink
from worker.training.trained import Trained


def execute(task: TrainTask, link: SupervisorLink) -> ModelMade:
    """Trains a model and writes its files."""
    get_data = cache(partial(prepare_data, task))  # learning what fills gaps reads all rows
    trainings: list[Training] = []

    def train(built: BuiltModel, folder: OutputFolder, strategy: Any) -> Trained:
        with frozen(built, task.fit.freeze):
            trainings.append(Training(task, get_data(), built, folder, link, strategy))
            return trainings[-1].run()

    def prepare() -> Blueprint:
        restored = restore_blueprint(task.checkpoint)
        if restored is not None:
            return restored
        data = get_data()
        return adapt(task, data.make_feed(data.training))

    def make_report(saved: BuiltModel) -> Report | None:
        (training,) = trainings
        targets = get_data().describe_targets()
        return try_report(
            task, saved, targets, training.validation, link, training.save_if_requested
        )

    return make_model(task, link, train, prepare if learns_states(task) else None, make_report)
