"""The function that executes each kind of task. A new kind needs a module and a case here."""

from domain.job.outcome import Outcome
from worker.protocol.tasks import BuildTask, EvaluateTask, ImportTask, PredictTask, Task, TrainTask
from worker.training.handlers import build, evaluate, import_data, predict, train
from worker.training.supervisor_link import SupervisorLink


def execute(task: Task, link: SupervisorLink) -> Outcome:
    """Executes a task and returns its outcome, whose files are in the task's folder."""
    match task:
        case BuildTask():
            return build.execute(task, link)
        case TrainTask():
            return train.execute(task, link)
        case EvaluateTask():
            return evaluate.execute(task, link)
        case PredictTask():
            return predict.execute(task, link)
        case ImportTask():
            return import_data.execute(task, link)
