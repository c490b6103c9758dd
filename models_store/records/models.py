"""Trained models and their files."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from domain.errors import NotFound
from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.job.plan import PinnedModel
from domain.model import FileLeftOut, Model, ModelFile, Signature
from models_store.database.lookup import get_row
from models_store.database.paging import Page, fetch_page
from models_store.database.tables import model_files, models
from models_store.ids import new_id
from models_store.records.uses import refuse_if_used

WEIGHTS = "model.safetensors"


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


def insert(
    connection: Connection,
    made: NewModel,
    metrics: dict[str, float],
    files: Iterable[ModelFile],
    files_left_out: Iterable[FileLeftOut],
) -> str:
    """Inserts the rows of a model and its files; returns the model's id."""
    model_id = new_id("model")
    values = {
        "id": model_id,
        "owner": made.owner,
        "name": made.name,
        "job_id": made.job_id,
        "graph_id": made.graph_id,
        "folder": str(made.folder),
        "blueprint": made.blueprint.model_dump(mode="json", by_alias=True),
        "summary": made.summary.model_dump(mode="json"),
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


def get_page(connection: Connection, owner: str, cursor: str | None, size: int) -> Page:
    """Gets a page of rows for `convert_row`, newest first."""
    query = select(models).where(models.c.owner == owner)
    return fetch_page(connection, query, models, cursor, size)


def convert_row(connection: Connection, row: Row[Any]) -> Model:
    """Converts a row to a model, with its files."""
    summary = Summary.model_validate(row.summary)
    files = connection.execute(
        select(model_files).where(model_files.c.model_id == row.id).order_by(model_files.c.name)
    )
    return Model(
        id=row.id,
        name=row.name,
        job=row.job_id,
        graph=row.graph_id,
        parameters=summary.parameters,
        signature=Signature(inputs=summary.inputs, outputs=summary.outputs),
        metrics=row.metrics,
        files=[
            ModelFile(name=f.name, bytes=f.bytes, sha256=f.sha256, media_type=f.media_type)
            for f in files
        ],
        files_left_out=row.files_left_out,
        created_at=row.created_at,
    )


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


def pin(connection: Connection, owner: str, model_id: str) -> PinnedModel:
    """Gets the file and the hash of a model's weights.

    Raises:
        NotFound: The owner has no model with this id.
    """
    artifact, weights = get_file(connection, owner, model_id, WEIGHTS)
    return PinnedModel(id=model_id, artifact=artifact, sha256=weights.sha256)


def delete(connection: Connection, owner: str, model_id: str) -> str:
    """Deletes a model. Returns its folder, whose files the caller deletes.

    Raises:
        NotFound: The owner has no model with this id.
        Conflict: A job that has not ended uses it.
    """
    row = get_row(connection, models, owner, model_id)
    refuse_if_used(connection, owner, model_id)
    connection.execute(sql_delete(models).where(models.c.owner == owner, models.c.id == model_id))
    folder: str = row.folder
    return folder
