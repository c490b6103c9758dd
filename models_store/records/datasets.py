"""Rows of datasets; the artifact store holds their columns."""

from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from domain.dataset import Column, Dataset
from models_store.database.lookup import get_row
from models_store.database.paging import Page, fetch_page
from models_store.database.tables import datasets
from models_store.records.uses import refuse_if_used


def folder_of(dataset_id: str) -> str:
    """Returns the prefix of the keys of a dataset's files."""
    return f"datasets/{dataset_id}"


def column_key(dataset_id: str, index: int) -> str:
    """Returns the key of a column; it does not contain the name of the column."""
    return f"{folder_of(dataset_id)}/{index}.npy"


def insert(connection: Connection, owner: str, dataset: Dataset) -> None:
    """Inserts a dataset whose files are published."""
    values = {
        **dataset.model_dump(exclude={"columns"}),
        "owner": owner,
        "columns": [{**column.model_dump(), "sha256": column.sha256} for column in dataset.columns],
    }
    connection.execute(sql_insert(datasets).values(values))


def get(connection: Connection, owner: str, dataset_id: str) -> Dataset:
    """Gets a dataset.

    Raises:
        NotFound: The owner has no dataset with this id.
    """
    return convert_row(get_row(connection, datasets, owner, dataset_id))


def get_page(connection: Connection, owner: str, cursor: str | None, size: int) -> Page:
    """Gets a page of rows for `convert_row`, newest first."""
    query = select(datasets).where(datasets.c.owner == owner)
    return fetch_page(connection, query, datasets, cursor, size)


def convert_row(row: Row[Any]) -> Dataset:
    """Converts a row to a dataset."""
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
    """Deletes a dataset; the caller or the next sweep deletes its files.

    Raises:
        NotFound: The owner has no dataset with this id.
        Conflict: A job that has not ended uses it.
    """
    get(connection, owner, dataset_id)
    refuse_if_used(connection, owner, dataset_id)
    connection.execute(
        sql_delete(datasets).where(datasets.c.owner == owner, datasets.c.id == dataset_id)
    )
