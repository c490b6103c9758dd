"""The finished epochs of a job."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from domain.job.job import Epoch
from models_store.database.paging import MOST_BYTES, count_fitting, measure_json
from models_store.database.tables import epochs

BATCH = 500
"""The number of rows that are in memory at once."""


def iterate(connection: Connection, owner: str, job_id: str) -> Iterator[Epoch]:
    """Yields all finished epochs, in order, within the transaction."""
    query = (
        select(epochs)
        .where(epochs.c.owner == owner, epochs.c.job_id == job_id)
        .order_by(epochs.c.epoch)
    )
    rows = connection.execution_options(yield_per=BATCH).execute(query)
    for row in rows:
        yield Epoch(epoch=row.epoch, seconds=row.seconds, metrics=row.metrics)


class EpochPage(NamedTuple):
    """Consecutive finished epochs of a job."""

    epochs: list[Epoch]
    has_more: bool
    """Whether more finished epochs follow."""


def get_page(
    connection: Connection,
    owner: str,
    job_id: str,
    after: int,
    size: int,
    most_bytes: int = MOST_BYTES,
) -> EpochPage:
    """Gets the finished epochs after an epoch, in order.

    Args:
        connection: A transaction.
        owner: The owner of the job.
        job_id: The job's id.
        after: The number of the epoch before the page; 0 for the first page.
        size: The largest number of epochs.
        most_bytes: The largest number of characters of their metrics, unless one epoch has more.
    """
    query = (
        select(epochs)
        .where(epochs.c.owner == owner, epochs.c.job_id == job_id, epochs.c.epoch > after)
        .order_by(epochs.c.epoch)
    )
    length = query.with_only_columns(measure_json([epochs.c.metrics])).limit(size + 1)
    lengths = connection.execute(length).scalars().all()
    count = count_fitting(lengths[:size], most_bytes)
    found = [
        Epoch(epoch=row.epoch, seconds=row.seconds, metrics=row.metrics)
        for row in (connection.execute(query.limit(count)) if count else ())
    ]
    return EpochPage(found, len(lengths) > count)


def add(connection: Connection, owner: str, job_id: str, epoch: Epoch) -> bool:
    """Inserts an epoch, unless it is stored. Returns whether it was inserted.

    The worker repeats a transaction whose answer it did not receive.
    """
    stored = select(epochs.c.epoch).where(epochs.c.job_id == job_id, epochs.c.epoch == epoch.epoch)
    if connection.execute(stored).first() is not None:
        return False
    values = {**epoch.model_dump(), "owner": owner, "job_id": job_id}
    connection.execute(insert(epochs).values(values))
    return True


def delete_after(connection: Connection, job_id: str, epoch: int) -> None:
    """Deletes the epochs after a checkpoint, which the next attempt trains again."""
    connection.execute(delete(epochs).where(epochs.c.job_id == job_id, epochs.c.epoch > epoch))
