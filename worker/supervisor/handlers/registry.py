"""The handler of each kind of job. A new kind needs a module here and an entry in `HANDLERS`.

The function that its training process runs is in `worker.training.handlers`, since that process
imports no database; how its outcome is stored is in `models_store.jobs.outcomes`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from models_store.jobs.claims import Claim
from worker.protocol.tasks import Task
from worker.supervisor.handlers import build, evaluate, import_data, predict, train
from worker.supervisor.local_files import LocalFiles
from worker.supervisor.options import Options

Prepare = Callable[[Claim, LocalFiles, Path, Options], Task]
"""Turns a claim into a task for a training process, with all files that it reads on this machine.

The path is an existing folder, in which the process writes all files of the attempt. Raises
CheckpointLost, NotFound, StorageFull and Busy as `LocalFiles` does.
"""

HANDLERS: Mapping[str, Prepare] = {
    "build": build.prepare,
    "evaluate": evaluate.prepare,
    "import": import_data.prepare,
    "predict": predict.prepare,
    "train": train.prepare,
}
"""The handlers by kind of job."""


def prepare(claim: Claim, files: LocalFiles, folder: Path, options: Options) -> Task:
    """Returns the task of a claimed job; see `Prepare`."""
    return HANDLERS[claim.kind](claim, files, folder, options)
