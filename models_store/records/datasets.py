"""Rows of datasets; the artifact store holds their columns."""

from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from domain.dataset import Column, ColumnPart, Dataset, FilePlace, View, make_file_name
from models_store.database.lookup import get_row, keep_row, lock_row
from models_store.database.paging import Page, PageRequest, fetch_page
from models_store.database.tables import datasets
from models_store.records.uses import refuse_if_used


def folder_of(dataset_id: str) -> str:
    """Returns the prefix of the keys of a dataset's files."""
    return f"datasets/{dataset_id}"


def column_key(
    dataset_id: str, index: int, part: str = "values", place: FilePlace | None = None
) -> str:
    """Returns the key of the file of an array; it does not contain the name of the column.

    Args:
        dataset_id: The dataset.
        index: The position of the column in the dataset.
        part: The part of the column that the array is; see `Column.parts`.
        place: The place of the array in a shared file; None if it has a file of its own.
    """
    name = make_file_name(index, part) if place is None else place.file
    return f"{folder_of(dataset_id)}/{name}"


def index_key(dataset_id: str) -> str:
    """Returns the key of the file with the rows of a view."""
    return f"{folder_of(dataset_id)}/rows.npy"


def insert(connection: Connection, owner: str, dataset: Dataset) -> None:
    """Inserts a dataset whose files are published."""
    values = {
        **dataset.model_dump(exclude={"columns"}),
        "owner": owner,
        "columns": [_dump_column(column) for column in dataset.columns],
        "source_id": None if dataset.view is None else dataset.view.source,
        "row_index": None if dataset.view is None else dataset.view.index.model_dump(),
    }
    connection.execute(sql_insert(datasets).values(values))


def _dump_column(column: Column) -> dict[str, Any]:
    """Returns the JSON of a column, with the fields that clients do not see."""
    parts = {part: file.model_dump() for part, file in column.parts.items()}
    return {**column.model_dump(), "sha256": column.sha256, "parts": parts}


def get(connection: Connection, owner: str, dataset_id: str) -> Dataset:
    """Gets a dataset.

    Raises:
        NotFound: The owner has no dataset with this id.
    """
    return convert_row(get_row(connection, datasets, owner, dataset_id))


def get_page(connection: Connection, owner: str, request: PageRequest) -> Page:
    """Gets a page of rows for `convert_row`, newest first; see `fetch_page`."""
    query = select(datasets).where(datasets.c.owner == owner)
    return fetch_page(connection, query, datasets, request)


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
        view=None
        if row.source_id is None
        else View(source=row.source_id, index=ColumnPart.model_validate(row.row_index)),
    )


def keep(connection: Connection, owner: str, dataset_id: str) -> None:
    """Keeps a dataset from being deleted until the transaction ends.

    Raises:
        NotFound: The owner has no dataset with this id.
    """
    keep_row(connection, datasets, owner, dataset_id)


def delete(connection: Connection, owner: str, dataset_id: str) -> list[str]:
    """Deletes a dataset; the caller or the next sweep deletes its files.

    Returns:
        The ids of the datasets whose files no row needs any more. The files of a dataset stay
        while a view of it exists.

    Raises:
        NotFound: The owner has no dataset with this id.
        Conflict: A job that has not ended uses it.
    """
    dataset = convert_row(lock_row(connection, datasets, owner, dataset_id))
    refuse_if_used(connection, owner, dataset_id)
    connection.execute(
        sql_delete(datasets).where(datasets.c.owner == owner, datasets.c.id == dataset_id)
    )
    unneeded = [] if dataset.view is None else [dataset_id]
    if not _is_needed(connection, dataset.files_id):
        unneeded.append(dataset.files_id)
    return unneeded


def _is_needed(connection: Connection, dataset_id: str) -> bool:
    """Whether a dataset or a view of it exists."""
    same = (datasets.c.id == dataset_id) | (datasets.c.source_id == dataset_id)
    return connection.execute(select(datasets.c.id).where(same).limit(1)).first() is not None
