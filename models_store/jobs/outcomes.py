"""Stores the outcome of a job. A new class of outcome needs a case in `store`."""

from typing import Any

from sqlalchemy import Connection

from domain.job.outcome import ModelMade, Outcome
from models_store.jobs.claims import Claim
from models_store.records import models


def store(connection: Connection, claim: Claim, outcome: Outcome) -> dict[str, Any]:
    """Stores what a job made, in the caller's transaction.

    Returns:
        The columns of the job's row that the outcome decides.
    """
    match outcome:
        case ModelMade():
            return _store_model(connection, claim, outcome)


def _store_model(connection: Connection, claim: Claim, made: ModelMade) -> dict[str, Any]:
    new = models.NewModel(
        owner=claim.owner,
        job_id=claim.job_id,
        name=claim.name,
        graph_id=claim.plan.graph_id,
        folder=claim.folder,
        blueprint=claim.plan.blueprint,
        summary=claim.plan.summary,
    )
    metrics = dict(made.metrics)
    model_id = models.insert(connection, new, metrics, made.files, made.files_left_out)
    return {"model_id": model_id, "metrics": metrics}
