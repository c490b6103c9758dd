"""Handler of `predict` jobs."""

from pathlib import Path

from models_store.ids import new_id
from models_store.jobs.claims import Claim
from worker.protocol.tasks import PredictTask
from worker.supervisor.handlers.inference import make_inference_fields
from worker.supervisor.local_files import LocalFiles
from worker.supervisor.options import Options


def prepare(claim: Claim, files: LocalFiles, folder: Path, options: Options) -> PredictTask:
    """Returns the task of a claimed `predict` job; see `registry.Prepare`.

    Each attempt has a dataset id of its own, so that no file of an earlier one is in its way.
    """
    plan = claim.plan
    return PredictTask(
        **make_inference_fields(claim, files, folder, options),
        preparation=plan.preparation,
        keep=plan.keep,
        dataset=new_id("dataset"),
        name=claim.name,
        parts=files.fetch_parts(claim.parts),
        done=max((part.stop for part in claim.parts), default=0),
    )
