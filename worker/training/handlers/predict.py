"""Executes `predict` jobs."""

from compiler.inference.forward import keep_nan
from domain.job.outcome import Predicted
from worker.protocol.tasks import PredictTask
from worker.training.handlers.dataset_files import move_files
from worker.training.handlers.model import build_with_weights
from worker.training.hardware.devices import choose
from worker.training.hardware.environment import pin
from worker.training.hardware.memory import limit
from worker.training.inference.data import open_data
from worker.training.inference.prediction import Prediction
from worker.training.output_folder import OutputFolder
from worker.training.supervisor_link import SupervisorLink


def execute(task: PredictTask, link: SupervisorLink) -> Predicted:
    """Writes the outputs of a model for all rows of a dataset."""
    limit(task.memory_bytes)
    pin(task.deterministic, task.threads)
    choose(task)
    keep_nan()
    data = open_data(task, "predict")
    built = build_with_weights(task, task.blueprint)
    folder = OutputFolder(task.folder, link)
    staged = Prediction(task, data, built, folder, link).run()
    return Predicted(staged.record, move_files(staged, task.folder))
