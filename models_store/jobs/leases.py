"""Leases: only the worker with the valid fence may update a running job."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, update

from domain.errors import LeaseLost
from domain.job.job import JobState
from models_store.database.tables import jobs
from models_store.database.types import database_clock
from models_store.jobs.claims import Claim
from models_store.records import checkpoints, events

LEASED = (JobState.RUNNING.value, JobState.PAUSING.value, JobState.CANCELLING.value)


class Renewal(NamedTuple):
    """What the client has asked of a running job."""

    state: JobState
    """Shows a requested cancel or pause."""
    is_finish_asked: bool
    """Whether the training is to end and to keep what it has."""


def renew(connection: Connection, claim: Claim, lease_seconds: float) -> Renewal:
    """Renews the lease. Returns what the client has asked in the meantime.

    The running time is recorded as well, so that a lost worker's time counts.

    Raises:
        LeaseLost: Another attempt owns the job, or the lease has expired.
    """
    values = {
        "lease_until": database_clock() + lease_seconds,
        "seconds_used": claim.count_seconds(),
    }
    return _update(connection, claim, values, quiet=True)


def update_leased(
    connection: Connection, claim: Claim, values: dict[str, Any], *, quiet: bool = False
) -> JobState:
    """Updates the row of a running job if the fence is valid. Returns the state.

    Args:
        quiet: Keeps the version of the row, since clients do not see the change.

    Raises:
        LeaseLost: The fence is not valid any more; nothing was written.
    """
    return _update(connection, claim, values, quiet=quiet).state


def _update(
    connection: Connection, claim: Claim, values: dict[str, Any], *, quiet: bool
) -> Renewal:
    values = {**values, "version": jobs.c.version + (0 if quiet else 1)}
    statement = (
        update(jobs)
        .where(jobs.c.id == claim.job_id, jobs.c.fence == claim.fence, jobs.c.state.in_(LEASED))
        .values(values)
        .returning(jobs.c.state, jobs.c.finish_asked)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise LeaseLost(f"The lease of '{claim.job_id}' is lost.")
    return Renewal(JobState(row.state), row.finish_asked)


def hand_back(
    connection: Connection, claim: Claim, reason: str, values: Mapping[str, Any] | None = None
) -> None:
    """Ends the lease: queues the job again, or completes a requested cancel or pause.

    Args:
        values: More columns to write.

    Raises:
        LeaseLost: Another attempt owns the job.
    """
    used = {"seconds_used": claim.count_seconds()}
    state = update_leased(connection, claim, {**clear_lease(), **used, **(values or {})})
    end_lease(connection, claim.job_id, claim.owner, state, reason)


def clear_lease() -> dict[str, Any]:
    """Returns the columns of a job whose lease has ended."""
    return {"lease_until": None, "worker": None}


def end_lease(
    connection: Connection, job_id: str, owner: str, state: JobState, reason: str
) -> None:
    """Queues a job without a lease, or completes a requested cancel or pause."""
    since: dict[str, Any] = {}
    match state:
        case JobState.CANCELLING:
            after, reason = JobState.CANCELLED, events.REQUESTED
            since = {"finished_at": datetime.now(UTC)}
            checkpoints.end(connection, job_id)
        case JobState.PAUSING:
            after, reason = JobState.PAUSED, events.REQUESTED
        case _:
            after, since = JobState.QUEUED, {"queued_at": database_clock()}
    statement = update(jobs).where(jobs.c.id == job_id).values(state=after.value, **since)
    connection.execute(statement)
    events.add_state(connection, owner, job_id, after, reason)
