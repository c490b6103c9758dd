"""The files that rows name."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, select, union

from domain.dataset import Dataset
from models_store.database.tables import checkpoints, datasets, model_files, models
from models_store.datasets.formats.npy import file_bytes
from models_store.records import datasets as dataset_rows


class Named(NamedTuple):
    """A file, and what its row says of it."""

    key: str
    sha256: str | None
    """None for the column of a dataset that was taken in before hashes were kept."""
    bytes: int | None
    """None where the row does not say."""


def of_jobs(connection: Connection, job_ids: Iterable[str]) -> Iterator[Named]:
    """The checkpoint of each job, and the files of the models it made."""
    wanted = list(job_ids)
    for row in connection.execute(select(checkpoints).where(checkpoints.c.job_id.in_(wanted))):
        yield Named(row.artifact, row.sha256, None)
    made = select(model_files).join(models).where(models.c.job_id.in_(wanted))
    for row in connection.execute(made):
        yield Named(row.artifact, row.sha256, row.bytes)


def of_datasets(connection: Connection, dataset_ids: Iterable[str]) -> Iterator[Named]:
    """The columns of each dataset."""
    query = select(datasets).where(datasets.c.id.in_(list(dataset_ids)))
    for row in connection.execute(query):
        yield from _columns_of(dataset_rows.stored(row))


def _columns_of(dataset: Dataset) -> Iterator[Named]:
    for index, column in enumerate(dataset.columns):
        key = dataset_rows.column_key(dataset.id, index)
        yield Named(key, column.sha256, file_bytes(column, dataset.rows))


FilesOf = Callable[[Connection, Iterable[str]], Iterator[Named]]
KINDS: dict[str, FilesOf] = {"datasets": of_datasets, "jobs": of_jobs}
"""Files by the ids that stand second in their keys."""
IDS = {
    "datasets": select(datasets.c.id).subquery(),
    "jobs": union(
        select(checkpoints.c.job_id.label("id")), select(models.c.job_id.label("id"))
    ).subquery(),
}
"""All of those ids: a model outlives its job."""
