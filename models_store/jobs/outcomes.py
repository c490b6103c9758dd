"""Stores the outcome of a job. A new class of outcome needs a case in `store`."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Connection

from domain.job.columns.classes import find_threshold
from domain.job.fit.continuation import TrainingState
from domain.job.outcome import DatasetMade, Evaluated, Imported, ModelMade, Outcome, Predicted
from domain.job.plan import Plan
from domain.model import Preparation
from models_store.jobs.claims import Claim
from models_store.records import datasets, models, reports, uploads


def store(connection: Connection, claim: Claim, outcome: Outcome) -> dict[str, Any]:
    """Stores what a job made, in the caller's transaction.

    Returns:
        The columns of the job's row that the outcome decides.
    """
    match outcome:
        case ModelMade():
            return _store_model(connection, claim, outcome)
        case Imported() | Predicted():
            return _store_dataset(connection, claim, outcome)
        case Evaluated():
            return _store_evaluation(connection, claim, outcome)


def _store_dataset(connection: Connection, claim: Claim, made: DatasetMade) -> dict[str, Any]:
    """Inserts the dataset, and deletes the upload in which the job has stored a fetched file."""
    datasets.insert(connection, claim.owner, made.dataset)
    if isinstance(made, Imported) and claim.import_plan.source is not None:
        uploads.drop(connection, claim.owner, claim.import_plan.upload)
    return {"dataset_id": made.dataset.id}


def _store_evaluation(connection: Connection, claim: Claim, evaluated: Evaluated) -> dict[str, Any]:
    if evaluated.report is not None:
        reports.add(connection, claim.owner, claim.job_id, evaluated.report)
    return {"metrics": dict(evaluated.metrics)}


def _store_model(connection: Connection, claim: Claim, made: ModelMade) -> dict[str, Any]:
    plan = made.learned or claim.plan
    new = models.NewModel(
        owner=claim.owner,
        job_id=claim.job_id,
        name=claim.name,
        graph_id=claim.plan.graph_id,
        folder=claim.folder,
        blueprint=plan.blueprint,
        summary=plan.summary,
        preparation=describe_preparation(claim.plan, made.missing),
        recipe=claim.plan.recipe or claim.plan.trained,
        training=_describe_training(claim, made),
    )
    metrics = dict(made.metrics)
    model_id = models.insert(connection, new, made.epoch, metrics, made.files, made.files_left_out)
    if made.report is not None:
        reports.add(connection, claim.owner, claim.job_id, made.report)
    return {
        "model_id": model_id,
        "stopped": None if made.stopped is None else made.stopped.model_dump(),
        "best": None if made.best is None else made.best.model_dump(),
    }


def _describe_training(claim: Claim, made: ModelMade) -> TrainingState | None:
    """Returns where a training stopped; None for a `build` job."""
    if claim.plan.recipe is None or made.last_epoch is None:
        return None
    return TrainingState(
        seed=claim.seed,
        epochs=made.last_epoch + claim.plan.order_shift,
        optimizer=claim.plan.recipe.optimizer,
        freeze=claim.fit.freeze,
        mixed_precision=claim.mixed_precision,
    )


def describe_preparation(plan: Plan, missing: Mapping[str, JsonValue]) -> Preparation:
    """Returns the preparation of the model from which the job started, with that of the job.

    Args:
        plan: The plan of the job.
        missing: What takes the place of missing values, by input.
    """
    recipes = {} if plan.recipe is None else plan.recipe.outputs
    classes = {name: part.classes for name, part in recipes.items() if part.classes is not None}
    own = Preparation(
        classes=classes,
        thresholds={name: find_threshold(recipes[name]) for name in classes},
        missing=dict(missing),
    )
    return plan.preparation.update(own, [tensor.name for tensor in plan.summary.outputs])
