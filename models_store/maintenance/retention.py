"""Deletes rows past their retention period; the sweep then deletes their files."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Table, delete, exists, select

from domain.sweeps.sweep import ACTIVE
from models_store.database.engine import Database
from models_store.database.tables import job_uses, jobs, models, sweep_uses, sweeps
from models_store.records.uses import TERMINAL

BATCH = 100
"""Jobs or models that one transaction deletes; each may have thousands of events."""


def delete_old(database: Database, jobs_days: float, models_days: float) -> int:
    """Deletes ended jobs and models that are older than their limit.

    A model stays while a job that has not ended uses it. Several processes may call this
    concurrently.

    Args:
        database: The database.
        jobs_days: Days that a job stays after its end; 0 keeps all jobs. Its model stays.
        models_days: Days that a model stays after its creation; 0 keeps all models.

    Returns:
        The number of deleted jobs and models.

    Raises:
        Busy: The database does not answer; earlier batches stay deleted.
    """
    deleted = 0
    if jobs_days:
        ended = (
            jobs.c.state.in_(TERMINAL),
            jobs.c.finished_at < _ago(jobs_days),
            ~exists().where(sweeps.c.id == jobs.c.sweep_id, sweeps.c.state.in_(ACTIVE)),
        )
        deleted += _delete_batches(database, jobs, *ended)
    if models_days:
        unused = models.c.created_at < _ago(models_days), ~_is_used(), ~_is_searched()
        deleted += _delete_batches(database, models, *unused)
    return deleted


def _ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def _is_used() -> ColumnElement[bool]:
    """Whether a job that has not ended uses the model."""
    return exists().where(
        job_uses.c.resource_id == models.c.id,
        job_uses.c.owner == models.c.owner,
        jobs.c.id == job_uses.c.job_id,
        jobs.c.state.not_in(TERMINAL),
    )


def _is_searched() -> ColumnElement[bool]:
    """Whether a sweep that has not ended uses the model."""
    return exists().where(
        sweep_uses.c.resource_id == models.c.id,
        sweep_uses.c.owner == models.c.owner,
        sweeps.c.id == sweep_uses.c.sweep_id,
        sweeps.c.state.in_(ACTIVE),
    )


def _delete_batches(database: Database, table: Table, *conditions: ColumnElement[bool]) -> int:
    """Deletes matching rows in batches, oldest first. Returns the number of deleted rows.

    The conditions are checked again when the rows are locked: a job that was accepted meanwhile may
    use one of them.
    """
    some = select(table.c.id).where(*conditions).order_by(table.c.id).limit(BATCH)
    deleted = 0
    while True:
        with database.write() as connection:
            ids = connection.scalars(some.with_for_update(skip_locked=True)).all()
            statement = delete(table).where(table.c.id.in_(ids), *conditions)
            count = connection.execute(statement).rowcount
        deleted += count
        if count < BATCH:
            return deleted
