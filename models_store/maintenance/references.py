"""Lists the files to which database rows refer."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, select, union

from domain.dataset import Dataset
from models_store.database.tables import checkpoints, datasets, model_files, models
from models_store.datasets.formats.npy import count_file_bytes
from models_store.records import datasets as dataset_rows


class FileReference(NamedTuple):
    """A file, with its hash and size as stored in its row."""

    key: str
    sha256: str | None
    """None for a column that was uploaded before hashes of columns were stored."""
    bytes: int | None
    """None if the row does not store the size."""


def get_job_files(connection: Connection, job_ids: Iterable[str]) -> Iterator[FileReference]:
    """Yields the checkpoint of each job and the files of its models."""
    wanted = list(job_ids)
    for row in connection.execute(select(checkpoints).where(checkpoints.c.job_id.in_(wanted))):
        yield FileReference(row.artifact, row.sha256, None)
    made = select(model_files).join(models).where(models.c.job_id.in_(wanted))
    for row in connection.execute(made):
        yield FileReference(row.artifact, row.sha256, row.bytes)


def get_dataset_files(
    connection: Connection, dataset_ids: Iterable[str]
) -> Iterator[FileReference]:
    """Yields the columns of each dataset."""
    query = select(datasets).where(datasets.c.id.in_(list(dataset_ids)))
    for row in connection.execute(query):
        yield from _get_columns(dataset_rows.convert_row(row))


def _get_columns(dataset: Dataset) -> Iterator[FileReference]:
    for index, column in enumerate(dataset.columns):
        key = dataset_rows.column_key(dataset.id, index)
        yield FileReference(key, column.sha256, count_file_bytes(column, dataset.rows))


GetFiles = Callable[[Connection, Iterable[str]], Iterator[FileReference]]
KINDS: dict[str, GetFiles] = {"datasets": get_dataset_files, "jobs": get_job_files}
"""Functions by the first part of the keys; the second part is the id that they take."""
IDS = {
    "datasets": select(datasets.c.id).subquery(),
    "jobs": union(
        select(checkpoints.c.job_id.label("id")), select(models.c.job_id.label("id"))
    ).subquery(),
}
"""All ids by the first part of the keys; the id of a job stays while its model exists."""
