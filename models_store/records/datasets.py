"""The rows that describe datasets; their columns lie with the artefacts."""

from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from domain.dataset import Column, Dataset
from models_store.database.lookup import get_row
from models_store.database.paging import Page
from models_store.database.paging import page as page_of
from models_store.database.tables import datasets
from models_store.records.uses import refuse_if_used


def folder_of(dataset_id: str) -> str:
    """The prefix of a dataset's files."""
    return f"datasets/{dataset_id}"


def column_key(dataset_id: str, index: int) -> str:
    """Where a column lies: its name never reaches a path."""
    return f"{folder_of(dataset_id)}/{index}.npy"


def insert(connection: Connection, owner: str, dataset: Dataset) -> None:
    """Keeps a dataset whose files are published."""
    values = {
        **dataset.model_dump(exclude={"columns"}),
        "owner": owner,
        "columns": [{**column.model_dump(), "sha256": column.sha256} for column in dataset.columns],
    }
    connection.execute(sql_insert(datasets).values(values))


def get(connection: Connection, owner: str, dataset_id: str) -> Dataset:
    """One dataset.

    Raises:
        NotFound: the owner has none of this id.
    """
    return stored(get_row(connection, datasets, owner, dataset_id))


def page(connection: Connection, owner: str, cursor: str | None, size: int) -> Page:
    """Rows for `stored`, newest first."""
    query = select(datasets).where(datasets.c.owner == owner)
    return page_of(connection, query, datasets, cursor, size)


def stored(row: Row[Any]) -> Dataset:
    """A row of the table as a value."""
    return Dataset(
        id=row.id,
        name=row.name,
        rows=row.rows,
        bytes=row.bytes,
        sha256=row.sha256,
        columns=[Column.model_validate(column) for column in row.columns],
        created_at=row.created_at,
    )


def delete(connection: Connection, owner: str, dataset_id: str) -> None:
    """Forgets a dataset; its files go with the sweep, or at once by the caller.

    Raises:
        NotFound: the owner has none of this id.
        Conflict: a job that is not terminal uses it.
    """
    get(connection, owner, dataset_id)
    refuse_if_used(connection, owner, dataset_id)
    connection.execute(
        sql_delete(datasets).where(datasets.c.owner == owner, datasets.c.id == dataset_id)
    )
