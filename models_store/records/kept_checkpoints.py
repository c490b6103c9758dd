"""The checkpoints that a job keeps: the weights of epochs, of which models are made.

A checkpoint that the job drops stays until the job can no longer resume before that epoch.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy import delete as sql_delete

from domain.job.job import KeptCheckpoint
from domain.metric_values import Metrics
from domain.model import ModelFile
from models_store.database.paging import Page, PageRequest, fetch_page
from models_store.database.tables import kept_checkpoints
from models_store.ids import new_id

_TABLE = kept_checkpoints
_IS_KEPT = _TABLE.c.dropped_at.is_(None)


class NewCheckpoint(NamedTuple):
    """A checkpoint whose file is in the store."""

    epoch: int
    step: int
    metrics: Metrics
    artifact: str
    file: ModelFile


def add(connection: Connection, owner: str, job_id: str, made: NewCheckpoint) -> None:
    """Inserts a checkpoint, unless it is stored: the worker repeats unconfirmed transactions."""
    stored = select(_TABLE.c.id).where(_TABLE.c.job_id == job_id, _TABLE.c.epoch == made.epoch)
    if connection.execute(stored).first() is not None:
        return
    values = {
        "id": new_id("checkpoint"),
        "owner": owner,
        "job_id": job_id,
        "epoch": made.epoch,
        "step": made.step,
        "metrics": made.metrics,
        "artifact": made.artifact,
        "bytes": made.file.bytes,
        "sha256": made.file.sha256,
        "created_at": datetime.now(UTC),
    }
    connection.execute(insert(_TABLE).values(values))


def drop(connection: Connection, job_id: str, epochs: tuple[int, ...], at: int) -> None:
    """Marks checkpoints that are no longer kept after epoch `at`."""
    if epochs:
        chosen = _TABLE.c.job_id == job_id, _TABLE.c.epoch.in_(epochs), _IS_KEPT
        connection.execute(update(_TABLE).where(*chosen).values(dropped_at=at))


def rewind(connection: Connection, job_id: str, epoch: int) -> None:
    """Returns to the state after an epoch, from which the job resumes."""
    later = _TABLE.c.job_id == job_id, _TABLE.c.epoch > epoch
    connection.execute(sql_delete(_TABLE).where(*later))
    dropped = _TABLE.c.job_id == job_id, _TABLE.c.dropped_at > epoch
    connection.execute(update(_TABLE).where(*dropped).values(dropped_at=None))


def delete_dropped(connection: Connection, job_id: str, epoch: int | None = None) -> list[str]:
    """Deletes the rows of checkpoints that were dropped up to an epoch; None: all of them.

    Returns:
        The keys of their files, which the caller or the next sweep deletes.
    """
    statement = sql_delete(_TABLE).where(_TABLE.c.job_id == job_id, ~_IS_KEPT)
    if epoch is not None:
        statement = statement.where(_TABLE.c.dropped_at <= epoch)
    return list(connection.execute(statement.returning(_TABLE.c.artifact)).scalars())


def get_page(connection: Connection, owner: str, job_id: str, request: PageRequest) -> Page:
    """Gets a page of rows for `convert_row`, newest first; see `fetch_page`."""
    query = select(_TABLE).where(_TABLE.c.owner == owner, _TABLE.c.job_id == job_id, _IS_KEPT)
    return fetch_page(connection, query, _TABLE, request)


def convert_row(row: Row[Any]) -> KeptCheckpoint:
    """Converts a row to a checkpoint."""
    return KeptCheckpoint(
        epoch=row.epoch,
        step=row.step,
        metrics=row.metrics,
        bytes=row.bytes,
        created_at=row.created_at,
    )


def find(
    connection: Connection, owner: str, job_id: str, epoch: int, *, locks: bool = False
) -> Row[Any] | None:
    """Finds the row of a checkpoint; None if the job does not keep it.

    Args:
        locks: Whether the row is locked until the transaction ends.
    """
    query = select(_TABLE).where(
        _TABLE.c.owner == owner, _TABLE.c.job_id == job_id, _TABLE.c.epoch == epoch, _IS_KEPT
    )
    return connection.execute(query.with_for_update() if locks else query).one_or_none()


def list_epochs(connection: Connection, owner: str, job_id: str) -> list[int]:
    """Lists the epochs whose checkpoints a job keeps, in order."""
    query = select(_TABLE.c.epoch).where(
        _TABLE.c.owner == owner, _TABLE.c.job_id == job_id, _IS_KEPT
    )
    return list(connection.execute(query.order_by(_TABLE.c.epoch)).scalars())
