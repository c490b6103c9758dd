"""Retries of jobs whose attempt ended without a fault of the job."""

from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, case, literal, select

from domain.job.job import JobError
from models_store.database.tables import jobs
from models_store.database.types import database_clock
from models_store.jobs import attempts, leases
from models_store.jobs.claims import Claim

LONGEST_WAIT = 60
"""Seconds."""


class Most(NamedTuple):
    """Numbers of lost attempts since the last checkpoint at which a job fails."""

    losses: int
    """Lost attempts of any kind."""
    deaths: int
    """Crashes of the training process."""


def set_back(connection: Connection, claim: Claim, reason: str) -> None:
    """Queues the job again because a store is away or full, which no job has to answer for.

    However often: it only waits longer each time.

    Raises:
        LeaseLost: it is not this attempt's any more.
    """
    values = {"setbacks": jobs.c.setbacks + 1, "retry_at": backoff(jobs.c.setbacks)}
    leases.hand_back(connection, claim, reason, values)


def lose(
    connection: Connection,
    claim: Claim,
    reason: str,
    error: JobError,
    most: Most,
    *,
    died: bool = False,
) -> None:
    """Queues the job again, a little later each time, or fails it once that was often enough.

    Args:
        error: Of its failure.
        died: Its training process was killed or crashed.

    Raises:
        LeaseLost: it is not this attempt's any more.
    """
    query = select(jobs.c.losses, jobs.c.deaths).where(jobs.c.id == claim.job_id)
    before = connection.execute(query).one()
    counts = Most(before.losses + 1, before.deaths + died)
    if counts.losses >= most.losses or (died and counts.deaths >= most.deaths):
        attempts.fail(connection, claim, error)
    else:
        values = {**counts._asdict(), "retry_at": backoff(jobs.c.losses)}
        leases.hand_back(connection, claim, reason, values)


def backoff(times: "Column[int]") -> ColumnElement[Any]:
    """When to try again: 1 s after the first time, 2 s after the second, 4 s ... and 60 s.

    Args:
        times: That it was lost before, in a row.
    """
    longest = LONGEST_WAIT.bit_length()
    doubled = literal(1).bitwise_lshift(times)
    return database_clock() + case((times >= longest, LONGEST_WAIT), else_=doubled)
