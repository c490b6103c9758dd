"""Leases: who may write of a running job, by the database's clock and the claim's fence."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, update

from domain.errors import LeaseLost
from domain.job.job import JobState
from models_store.database.tables import jobs
from models_store.database.types import database_clock
from models_store.jobs.claims import Claim
from models_store.records import checkpoints, events

HELD = (JobState.RUNNING.value, JobState.PAUSING.value, JobState.CANCELLING.value)


def renew(connection: Connection, claim: Claim, lease_seconds: float) -> JobState:
    """Holds the job for another lease; gives its state, so a cancel or a pause is seen.

    Raises:
        LeaseLost: another attempt owns the job, or it was taken back.
    """
    values = {"lease_until": database_clock() + lease_seconds}
    return guarded(connection, claim, values, quiet=True)


def guarded(
    connection: Connection, claim: Claim, values: dict[str, Any], *, quiet: bool = False
) -> JobState:
    """Writes to a held job's row under its fence, and gives its state.

    Args:
        quiet: The change is none that a client sees: the row's version stays.

    Raises:
        LeaseLost: no row has this fence any more; nothing was written.
    """
    values = {**values, "version": jobs.c.version + (0 if quiet else 1)}
    statement = (
        update(jobs)
        .where(jobs.c.id == claim.job_id, jobs.c.fence == claim.fence, jobs.c.state.in_(HELD))
        .values(values)
        .returning(jobs.c.state)
    )
    state = connection.execute(statement).scalar_one_or_none()
    if state is None:
        raise LeaseLost(f"The lease of '{claim.job_id}' is lost.")
    return JobState(state)


def hand_back(
    connection: Connection, claim: Claim, reason: str, values: Mapping[str, Any] | None = None
) -> None:
    """Queues the job again, to go on from its last checkpoint; or what was asked of it instead.

    Args:
        values: More columns to write.

    Raises:
        LeaseLost: it is not this attempt's any more.
    """
    state = guarded(connection, claim, {**released(), **(values or {})})
    let_go(connection, claim.job_id, claim.owner, state, reason)


def released() -> dict[str, Any]:
    """The columns of a job that nobody holds any more."""
    return {
        "lease_until": None,
        "worker": None,
        "seconds_used": jobs.c.seconds_used + database_clock() - jobs.c.claimed_at,
    }


def let_go(connection: Connection, job_id: str, owner: str, state: JobState, reason: str) -> None:
    """Queues a job that nobody holds any more; ends it, or lets it rest, where that was asked."""
    since: dict[str, Any] = {}
    match state:
        case JobState.CANCELLING:
            after, reason = JobState.CANCELLED, events.ASKED
            since = {"finished_at": datetime.now(UTC)}
            checkpoints.drop(connection, job_id)
        case JobState.PAUSING:
            after, reason = JobState.PAUSED, events.ASKED
        case _:
            after, since = JobState.QUEUED, {"queued_at": database_clock()}
    statement = update(jobs).where(jobs.c.id == job_id).values(state=after.value, **since)
    connection.execute(statement)
    events.add_state(connection, owner, job_id, after, reason)
