"""The fields that the tasks of all jobs with a model have in common."""

from pathlib import Path
from typing import Any

from models_store.jobs.claims import Claim
from worker.supervisor.local_files import LocalFiles
from worker.supervisor.options import Options


def make_model_fields(
    claim: Claim, files: LocalFiles, folder: Path, options: Options
) -> dict[str, Any]:
    """Returns the fields of `ModelTask`; fetches the weights.

    Args:
        claim: The claimed job.
        files: Local copies of the files that the job reads.
        folder: An existing folder for the files of this attempt.
        options: The worker's options.
    """
    plan, resources = claim.plan, claim.resources
    return {
        "job": claim.job_id,
        "blueprint": plan.blueprint,
        "graph_place": plan.graph_place,
        "summary": plan.summary,
        "seed": claim.seed,
        "deterministic": claim.deterministic,
        "folder": folder,
        "lease_seconds": options.lease_seconds,
        "threads": _find_threads(claim),
        "device": resources.device,
        "devices": resources.gpus if resources.device == "gpu" else 1,
        "mixed_precision": claim.mixed_precision,
        "memory_bytes": options.memory_bytes,
        "source_weights": {
            pinned.id: files.fetch_weights(pinned) for pinned in plan.sources.values()
        },
        "donor_weights": None if plan.donor is None else files.fetch_weights(plan.donor),
        "copied": plan.copied,
        "initial_weights": None if plan.initial is None else files.fetch_weights(plan.initial),
    }


def _find_threads(claim: Claim) -> int | None:
    """Returns the threads of the earlier attempts, since another number may give other bits."""
    starts_afresh = claim.checkpoint is None and not claim.parts
    if starts_afresh or claim.environment is None or not claim.deterministic:
        return None
    threads: int | None = claim.environment.get("intra_op_threads")
    return threads
