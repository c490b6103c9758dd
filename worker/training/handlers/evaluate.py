"""Executes `evaluate` jobs."""

from compiler.inference.forward import keep_nan
from domain.job.outcome import Evaluated
from worker.protocol.tasks import EvaluateTask
from worker.training.handlers.model import build_with_weights
from worker.training.hardware.devices import choose
from worker.training.hardware.environment import pin
from worker.training.hardware.memory import limit
from worker.training.inference.data import open_data
from worker.training.inference.evaluation import Evaluation
from worker.training.output_folder import OutputFolder
from worker.training.reports.describe import describe_outputs
from worker.training.reports.maker import ReportMaker
from worker.training.reports.observer import ReportObserver
from worker.training.supervisor_link import SupervisorLink


def execute(task: EvaluateTask, link: SupervisorLink) -> Evaluated:
    """Returns the metrics and the report of a model over all rows of a dataset."""
    limit(task.memory_bytes)
    pin(task.deterministic, task.threads)
    choose(task)
    keep_nan()
    data = open_data(task, "evaluate")
    built = build_with_weights(task, task.blueprint)
    outputs = describe_outputs(task.recipe, built, data.describe_targets())
    observer = ReportObserver(ReportMaker.for_outputs(outputs))
    folder = OutputFolder(task.folder, link)
    metrics = Evaluation(task, data, built, folder, link, observer).run()
    return Evaluated(metrics, observer.finish(link))
