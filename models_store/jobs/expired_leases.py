"""Expired leases: the reaper queues the jobs of lost workers again."""

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, select, update

from domain.job.job import JobError, JobState
from models_store.database.tables import jobs
from models_store.database.types import database_clock
from models_store.jobs.leases import LEASED, clear_lease, end_lease
from models_store.jobs.retries import backoff
from models_store.records import checkpoints, events


def is_any_expired(connection: Connection) -> bool:
    """Whether a lease has expired."""
    query = select(jobs.c.id).where(*_expired()).limit(1)
    return connection.execute(query).first() is not None


def _expired() -> tuple[ColumnElement[bool], ...]:
    return jobs.c.state.in_(LEASED), jobs.c.lease_until < database_clock()


def requeue_expired(connection: Connection, max_attempts: int) -> int:
    """Queues or fails every job whose lease has expired. Returns the number of queued jobs.

    Args:
        connection: A write transaction.
        max_attempts: The number of lost attempts since the last checkpoint at which a job fails.
    """
    retry = {"losses": jobs.c.losses + 1, "retry_at": backoff(jobs.c.losses)}
    statement = (
        update(jobs)
        .where(*_expired())
        .values(**clear_lease(), **retry, version=jobs.c.version + 1)
        .returning(jobs.c.id, jobs.c.owner, jobs.c.state, jobs.c.losses)
    )
    rows = connection.execute(statement).all()
    requeued = 0
    for row in rows:
        if row.losses >= max_attempts and row.state == JobState.RUNNING:
            _fail(connection, row.id, row.owner, row.losses)
        else:
            reason = "its worker was lost"
            end_lease(connection, row.id, row.owner, JobState(row.state), reason)
            requeued += row.state == JobState.RUNNING
    return requeued


def _fail(connection: Connection, job_id: str, owner: str, attempts: int) -> None:
    error = JobError(
        type="worker-lost",
        title="The worker was lost",
        detail=f"Its worker was lost; {attempts} attempts in a row ended without a checkpoint.",
        category="infrastructure",
    )
    statement = (
        update(jobs)
        .where(jobs.c.id == job_id)
        .values(
            state=JobState.FAILED.value,
            error=error.model_dump(mode="json"),
            finished_at=datetime.now(UTC),
        )
    )
    connection.execute(statement)
    checkpoints.end(connection, job_id)
    events.add_state(connection, owner, job_id, JobState.FAILED, error.title)
