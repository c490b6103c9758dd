"""Handler of `train` jobs."""

from pathlib import Path

from models_store.jobs.claims import Claim
from worker.protocol.tasks import TrainTask
from worker.supervisor.handlers.model import make_model_fields
from worker.supervisor.local_files import LocalFiles
from worker.supervisor.options import Options


def prepare(claim: Claim, files: LocalFiles, folder: Path, options: Options) -> TrainTask:
    """Returns the task of a claimed `train` job; see `registry.Prepare`."""
    plan = claim.plan
    if plan.recipe is None or plan.dataset is None:
        raise ValueError(f"The plan of '{claim.job_id}' has no recipe or no dataset.")
    validation = plan.validation_dataset
    return TrainTask(
        **make_model_fields(claim, files, folder, options),
        recipe=plan.recipe,
        fit=claim.fit,
        columns=files.fetch_columns(plan.dataset),
        validation_columns=None if validation is None else files.fetch_columns(validation),
        checkpoint=None if claim.checkpoint is None else files.fetch_checkpoint(claim.checkpoint),
        optimizer_state=None if plan.optimizer is None else files.fetch_weights(plan.optimizer),
        keeps_rate=plan.keeps_rate,
        order_shift=plan.order_shift,
        checkpoint_seconds=options.checkpoint_seconds,
    )
