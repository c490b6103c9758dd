"""Lists the files to which database rows refer."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, select, union

from domain.dataset import Dataset
from models_store.database.tables import (
    checkpoints,
    datasets,
    job_parts,
    kept_checkpoints,
    model_files,
    models,
    upload_parts,
    uploads,
)
from models_store.records import datasets as dataset_rows


class FileReference(NamedTuple):
    """A file, with its hash and size as stored in its row."""

    key: str
    sha256: str | None
    """None for a column that was uploaded before hashes of columns were stored."""
    bytes: int | None
    """None if the row does not store the size, as for a file that several columns share."""


def get_job_files(connection: Connection, job_ids: Iterable[str]) -> Iterator[FileReference]:
    """Yields the checkpoints of each job, its computed rows, and the files of its models."""
    wanted = list(job_ids)
    for row in connection.execute(select(job_parts).where(job_parts.c.job_id.in_(wanted))):
        yield FileReference(row.artifact, row.sha256, row.bytes)
    for row in connection.execute(select(checkpoints).where(checkpoints.c.job_id.in_(wanted))):
        yield FileReference(row.artifact, row.sha256, None)
    for row in connection.execute(
        select(kept_checkpoints).where(kept_checkpoints.c.job_id.in_(wanted))
    ):
        yield FileReference(row.artifact, row.sha256, row.bytes)
    made = select(model_files).join(models).where(models.c.job_id.in_(wanted))
    for row in connection.execute(made):
        yield FileReference(row.artifact, row.sha256, row.bytes)


def get_dataset_files(
    connection: Connection, dataset_ids: Iterable[str]
) -> Iterator[FileReference]:
    """Yields the files in the folder of each dataset, which views of it may need."""
    wanted = list(dataset_ids)
    query = select(datasets).where(datasets.c.id.in_(wanted) | datasets.c.source_id.in_(wanted))
    found: dict[str, FileReference] = {}
    for row in connection.execute(query):
        dataset = dataset_rows.convert_row(row)
        if dataset.view is not None and dataset.id in wanted:
            key, index = dataset_rows.index_key(dataset.id), dataset.view.index
            found[key] = FileReference(key, index.sha256, index.bytes)
        if dataset.files_id in wanted:
            found.update({file.key: file for file in _get_columns(dataset)})
    yield from found.values()


def _get_columns(dataset: Dataset) -> Iterator[FileReference]:
    for index, column in enumerate(dataset.columns):
        key = dataset_rows.column_key(dataset.files_id, index)
        if not column.parts:
            yield FileReference(key, column.sha256, None)
        for part, file in column.parts.items():
            part_key = dataset_rows.column_key(dataset.files_id, index, part, file.place)
            yield FileReference(part_key, file.sha256, None if file.place else file.bytes)


def get_upload_files(connection: Connection, upload_ids: Iterable[str]) -> Iterator[FileReference]:
    """Yields the parts of each upload."""
    query = select(upload_parts).where(upload_parts.c.upload_id.in_(list(upload_ids)))
    for row in connection.execute(query):
        yield FileReference(row.artifact, row.sha256, row.bytes)


GetFiles = Callable[[Connection, Iterable[str]], Iterator[FileReference]]
KINDS: dict[str, GetFiles] = {
    "datasets": get_dataset_files,
    "jobs": get_job_files,
    "uploads": get_upload_files,
}
"""Functions by the first part of the keys; the second part is the id that they take."""
IDS = {
    "datasets": union(
        select(datasets.c.id),
        select(datasets.c.source_id.label("id")).where(datasets.c.source_id.is_not(None)),
    ).subquery(),
    "jobs": union(
        select(checkpoints.c.job_id.label("id")),
        select(kept_checkpoints.c.job_id.label("id")),
        select(job_parts.c.job_id.label("id")),
        select(models.c.job_id.label("id")),
    ).subquery(),
    "uploads": select(uploads.c.id).subquery(),
}
"""All ids by the first part of the keys.

The id of a job stays while its model exists, that of a dataset while a view of it exists.
"""
