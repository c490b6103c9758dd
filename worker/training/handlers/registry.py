"""The function that executes each kind of task. A new kind needs a module and a case here."""

from domain.job.outcome import Outcome
from worker.protocol.tasks import BuildTask, Task, TrainTask
from worker.training.handlers import build, train
from worker.training.supervisor_link import SupervisorLink


def execute(task: Task, link: SupervisorLink) -> Outcome:
    """Executes a task and returns its outcome, whose files are in the task's folder."""
    match task:
        case BuildTask():
            return build.execute(task, link)
        case TrainTask():
            return train.execute(task, link)
