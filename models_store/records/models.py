"""Trained models and their files."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, Row, String, bindparam, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from domain.errors import NotFound
from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.job.fit.continuation import TrainingState
from domain.job.plan import PinnedModel
from domain.job.recipe import Recipe
from domain.metric_values import Metrics
from domain.model import FileLeftOut, Model, ModelFile, Preparation, Signature
from models_store.database.lookup import get_row, keep_row, lock_row
from models_store.database.paging import Page, PageRequest, fetch_page
from models_store.database.tables import jobs, model_files, models
from models_store.ids import make_least_id, new_id
from models_store.records.uses import refuse_if_used

WEIGHTS = "model.safetensors"
MOST_LISTED = 100
"""The largest number of new models of one list."""


@dataclass(frozen=True)
class NewModel:
    """Columns of a model that its job decides."""

    owner: str
    job_id: str
    name: str | None
    graph_id: str | None
    folder: PurePosixPath
    """Folder in the artifact store that holds the model's files."""
    blueprint: Blueprint
    summary: Summary
    preparation: Preparation = field(default_factory=Preparation)
    recipe: Recipe | None = None
    """The recipe of its last training."""
    training: TrainingState | None = None
    """Where its training stopped; None if no job can go on with its optimizer."""
    checkpoint_epoch: int | None = None
    """The epoch of the checkpoint that it is made of; None if it is the result of its job."""


def insert(
    connection: Connection,
    made: NewModel,
    epoch: int | None,
    metrics: Metrics,
    files: Iterable[ModelFile],
    files_left_out: Iterable[FileLeftOut],
    model_id: str | None = None,
) -> str:
    """Inserts the rows of a model and its files; returns the model's id."""
    model_id = model_id or new_id("model")
    values = {
        "id": model_id,
        "owner": made.owner,
        "name": made.name,
        "job_id": made.job_id,
        "graph_id": made.graph_id,
        "folder": str(made.folder),
        "blueprint": made.blueprint.model_dump(mode="json", by_alias=True),
        "summary": made.summary.model_dump(mode="json"),
        "preparation": made.preparation.model_dump(mode="json"),
        "recipe": None if made.recipe is None else made.recipe.model_dump(mode="json"),
        "epoch": epoch,
        "checkpoint_epoch": made.checkpoint_epoch,
        "training": None if made.training is None else made.training.model_dump(mode="json"),
        "metrics": metrics,
        "files_left_out": [left_out.model_dump() for left_out in files_left_out],
        "created_at": datetime.now(UTC),
    }
    connection.execute(sql_insert(models).values(values))
    rows = [
        {
            **file.model_dump(),
            "model_id": model_id,
            "owner": made.owner,
            "artifact": str(made.folder / file.name),
        }
        for file in files
    ]
    connection.execute(sql_insert(model_files), rows)
    return model_id


def get(connection: Connection, owner: str, model_id: str) -> Model:
    """Gets a model.

    Raises:
        NotFound: The owner has no model with this id.
    """
    return convert_row(connection, get_row(connection, models, owner, model_id))


def get_page(connection: Connection, owner: str, request: PageRequest) -> Page:
    """Gets a page of rows for `convert_row`, newest first; see `fetch_page`."""
    unused = (models.c.blueprint, models.c.recipe)
    columns = [column for column in models.c if not any(column is other for other in unused)]
    query = select(*columns).where(models.c.owner == owner)
    return fetch_page(connection, query, models, request)


def find_of_checkpoint(connection: Connection, owner: str, job_id: str, epoch: int) -> Model | None:
    """Finds the model that was made of a checkpoint; None if there is none."""
    query = select(models).where(
        models.c.owner == owner, models.c.job_id == job_id, models.c.checkpoint_epoch == epoch
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else convert_row(connection, row)


def list_since(connection: Connection, at: datetime) -> list[tuple[str, str]]:
    """Lists the newest models of all owners that were made at this time or later.

    The models of trials are left out, since most of them are deleted soon.

    Returns:
        The owner and the id of each model, newest first, at most `MOST_LISTED`.
    """
    query = select(models.c.owner, models.c.id).where(models.c.id >= make_least_id("model", at))
    trial = select(jobs.c.id).where(jobs.c.id == models.c.job_id, jobs.c.sweep_id.is_not(None))
    query = query.where(~trial.exists())
    rows = connection.execute(query.order_by(models.c.id.desc()).limit(MOST_LISTED))
    return [(row.owner, row.id) for row in rows]


_FILES = (
    select(model_files)
    .where(model_files.c.model_id == bindparam("model", type_=String))
    .order_by(model_files.c.name)
)
"""Built once, since building it takes longer than running it, for each model of a page."""


def convert_row(connection: Connection, row: Row[Any]) -> Model:
    """Converts a row to a model, with its files."""
    summary = Summary.model_validate(row.summary)
    files = connection.execute(_FILES, {"model": row.id})
    return Model(
        id=row.id,
        name=row.name,
        job=row.job_id,
        graph=row.graph_id,
        parameters=summary.parameters,
        signature=_make_signature(summary, row.preparation),
        epoch=row.epoch,
        metrics=row.metrics,
        files=[
            ModelFile(name=f.name, bytes=f.bytes, sha256=f.sha256, media_type=f.media_type)
            for f in files
        ],
        files_left_out=row.files_left_out,
        created_at=row.created_at,
    )


def _make_signature(summary: Summary, stored: Any) -> Signature:
    preparation = Preparation.model_validate(stored or {})
    return Signature(
        inputs=summary.inputs,
        outputs=summary.outputs,
        classes=preparation.classes,
        missing=preparation.missing,
    )


def get_preparation(connection: Connection, owner: str, model_id: str) -> Preparation:
    """Gets how the rows of a model are prepared.

    Raises:
        NotFound: The owner has no model with this id.
    """
    row = get_row(connection, models, owner, model_id)
    return Preparation.model_validate(row.preparation or {})


def get_training(connection: Connection, owner: str, model_id: str) -> TrainingState | None:
    """Gets where the training of a model stopped; None if it has no state of an optimizer.

    Raises:
        NotFound: The owner has no model with this id.
    """
    stored = get_row(connection, models, owner, model_id).training
    return None if stored is None else TrainingState.model_validate(stored)


def get_recipe(connection: Connection, owner: str, model_id: str) -> Recipe | None:
    """Gets the recipe of the last training of a model; None if it was only built.

    The recipe of a model of an older release is that of its job, unless the job was deleted.

    Raises:
        NotFound: The owner has no model with this id.
    """
    row = get_row(connection, models, owner, model_id)
    stored = row.recipe
    if stored is None:
        query = select(jobs.c.plan).where(jobs.c.owner == owner, jobs.c.id == row.job_id)
        stored = (connection.execute(query).scalar_one_or_none() or {}).get("recipe")
    return None if stored is None else Recipe.model_validate(stored)


def get_definition(connection: Connection, owner: str, model_id: str) -> tuple[Blueprint, Summary]:
    """Gets the graph of a model and its summary.

    Raises:
        NotFound: The owner has no model with this id.
    """
    row = get_row(connection, models, owner, model_id)
    return Blueprint.model_validate(row.blueprint), Summary.model_validate(row.summary)


def get_file(connection: Connection, owner: str, model_id: str, name: str) -> tuple[str, ModelFile]:
    """Gets the artifact key and the description of a file of a model.

    Raises:
        NotFound: The owner has no model with this id, or the model has no file with this name.
    """
    query = select(model_files).where(
        model_files.c.owner == owner,
        model_files.c.model_id == model_id,
        model_files.c.name == name,
    )
    is_text = name.isprintable()  # PostgreSQL refuses NUL
    row = connection.execute(query).one_or_none() if is_text else None
    if row is None:
        get_row(connection, models, owner, model_id)
        raise NotFound("file", name)
    return row.artifact, ModelFile(
        name=row.name, bytes=row.bytes, sha256=row.sha256, media_type=row.media_type
    )


def pin(connection: Connection, owner: str, model_id: str, name: str = WEIGHTS) -> PinnedModel:
    """Gets the file and the hash of a model's weights, or of another file.

    Raises:
        NotFound: The owner has no model with this id, or the model has no such file.
    """
    artifact, weights = get_file(connection, owner, model_id, name)
    return PinnedModel(id=model_id, artifact=artifact, sha256=weights.sha256)


def keep(connection: Connection, owner: str, model_id: str) -> None:
    """Keeps a model from being deleted until the transaction ends.

    Raises:
        NotFound: The owner has no model with this id.
    """
    keep_row(connection, models, owner, model_id)


def delete(connection: Connection, owner: str, model_id: str) -> str:
    """Deletes a model. Returns its folder, whose files the caller deletes.

    Raises:
        NotFound: The owner has no model with this id.
        Conflict: A job that has not ended uses it.
    """
    row = lock_row(connection, models, owner, model_id)
    refuse_if_used(connection, owner, model_id)
    connection.execute(sql_delete(models).where(models.c.owner == owner, models.c.id == model_id))
    folder: str = row.folder
    return folder
