"""Handler of `evaluate` jobs."""

from pathlib import Path

from models_store.jobs.claims import Claim
from worker.protocol.tasks import EvaluateTask
from worker.supervisor.handlers.inference import make_inference_fields
from worker.supervisor.local_files import LocalFiles
from worker.supervisor.options import Options


def prepare(claim: Claim, files: LocalFiles, folder: Path, options: Options) -> EvaluateTask:
    """Returns the task of a claimed `evaluate` job; see `registry.Prepare`."""
    return EvaluateTask(
        **make_inference_fields(claim, files, folder, options),
        checkpoint=None if claim.checkpoint is None else files.fetch_checkpoint(claim.checkpoint),
    )
