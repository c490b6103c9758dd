"""Handler of `build` jobs."""

from pathlib import Path

from models_store.jobs.claims import Claim
from worker.protocol.tasks import BuildTask
from worker.supervisor.handlers.model import make_model_fields
from worker.supervisor.local_files import LocalFiles
from worker.supervisor.options import Options


def prepare(claim: Claim, files: LocalFiles, folder: Path, options: Options) -> BuildTask:
    """Returns the task of a claimed `build` job; see `registry.Prepare`."""
    return BuildTask(**make_model_fields(claim, files, folder, options))
