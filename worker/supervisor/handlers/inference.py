"""The fields that the tasks of evaluate and predict jobs have in common."""

from pathlib import Path
from typing import Any

from models_store.jobs.claims import Claim
from worker.supervisor.handlers.model import make_model_fields
from worker.supervisor.local_files import LocalFiles
from worker.supervisor.options import Options


def make_inference_fields(
    claim: Claim, files: LocalFiles, folder: Path, options: Options
) -> dict[str, Any]:
    """Returns the fields of `InferenceTask`; fetches the weights and the columns.

    The arguments are those of `make_model_fields`.
    """
    plan = claim.plan
    if plan.recipe is None or plan.dataset is None or plan.batch_size is None:
        raise ValueError(f"The plan of '{claim.job_id}' has no recipe, dataset or batch size.")
    return {
        **make_model_fields(claim, files, folder, options),
        "recipe": plan.recipe,
        "columns": files.fetch_columns(plan.dataset),
        "fills": plan.fills,
        "batch_size": plan.batch_size,
        "checkpoint_seconds": options.checkpoint_seconds,
    }
