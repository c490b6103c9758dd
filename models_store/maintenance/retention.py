"""Forgets what has been kept long enough; the sweep then finds the files unnamed."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Table, delete, exists, select

from models_store.database.engine import Database
from models_store.database.tables import job_uses, jobs, models
from models_store.records.uses import TERMINAL

BATCH = 100
"""Jobs or models that one transaction forgets: each may have thousands of events."""


def retire(database: Database, jobs_days: float, models_days: float) -> int:
    """Deletes the rows of ended jobs and of models that are older than their limit.

    A model that a job still needs stays until that job has ended. Any number of processes may do
    this together.

    Args:
        jobs_days: Since a job has ended; 0: for ever. Its model stays.
        models_days: Since a model was made; 0: for ever.

    Returns:
        How many jobs and models were forgotten.

    Raises:
        Busy: the database does not answer; what was forgotten before stays so.
    """
    forgotten = 0
    if jobs_days:
        ended = jobs.c.state.in_(TERMINAL), jobs.c.finished_at < _ago(jobs_days)
        forgotten += _forget(database, jobs, *ended)
    if models_days:
        unused = models.c.created_at < _ago(models_days), ~_is_used()
        forgotten += _forget(database, models, *unused)
    return forgotten


def _ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def _is_used() -> ColumnElement[bool]:
    """By a job that has not ended."""
    return exists().where(
        job_uses.c.resource_id == models.c.id,
        job_uses.c.owner == models.c.owner,
        jobs.c.id == job_uses.c.job_id,
        jobs.c.state.not_in(TERMINAL),
    )


def _forget(database: Database, table: Table, *which: ColumnElement[bool]) -> int:
    """The oldest first, until none is left."""
    some = select(table.c.id).where(*which).order_by(table.c.id).limit(BATCH)
    statement = delete(table).where(table.c.id.in_(some.with_for_update(skip_locked=True)))
    forgotten = 0
    while True:
        with database.write() as connection:
            count = connection.execute(statement).rowcount
        forgotten += count
        if count < BATCH:
            return forgotten
