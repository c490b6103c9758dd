"""Retries of jobs whose attempt ended without a fault of the job."""

from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, case, literal, select

from domain.job.job import JobError
from models_store.database.tables import jobs
from models_store.database.types import database_clock
from models_store.jobs import attempts, leases
from models_store.jobs.claims import Claim

MAX_DELAY = 60
"""Seconds."""


class RetryLimits(NamedTuple):
    """Numbers of lost attempts since the last checkpoint at which a job fails."""

    attempts: int
    """Lost attempts of any kind."""
    deaths: int
    """Crashes of the training process."""


def retry_later(connection: Connection, claim: Claim, reason: str) -> None:
    """Queues the job again since a store is unavailable or full, without a limit.

    Raises:
        LeaseLost: Another attempt owns the job.
    """
    values = {"setbacks": jobs.c.setbacks + 1, "retry_at": backoff(jobs.c.setbacks)}
    leases.hand_back(connection, claim, reason, values)


def retry_or_fail(
    connection: Connection,
    claim: Claim,
    reason: str,
    error: JobError,
    limits: RetryLimits,
    *,
    died: bool = False,
) -> None:
    """Queues the job again with a delay, or fails it if a limit is reached.

    Args:
        connection: A write transaction.
        claim: The lost attempt.
        reason: The reason of the transition to `queued`.
        error: The error of the job if it fails.
        limits: The limits of retries.
        died: Whether the training process crashed or was killed.

    Raises:
        LeaseLost: Another attempt owns the job.
    """
    query = select(jobs.c.losses, jobs.c.deaths).where(jobs.c.id == claim.job_id)
    row = connection.execute(query).one()
    losses, deaths = row.losses + 1, row.deaths + died
    if losses >= limits.attempts or (died and deaths >= limits.deaths):
        attempts.fail(connection, claim, error)
    else:
        values = {"losses": losses, "deaths": deaths, "retry_at": backoff(jobs.c.losses)}
        leases.hand_back(connection, claim, reason, values)


def backoff(times: "Column[int]") -> ColumnElement[Any]:
    """Returns the time of the next attempt: in 1, 2, 4, ... and at most `MAX_DELAY` seconds.

    Args:
        times: The column that counts the retries so far.
    """
    longest = MAX_DELAY.bit_length()
    doubled = literal(1).bitwise_lshift(times)
    return database_clock() + case((times >= longest, MAX_DELAY), else_=doubled)
