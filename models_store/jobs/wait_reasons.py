"""The reasons why no worker can claim a queued job, by the conditions of a claim."""

from collections.abc import Collection

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    case,
    cast,
    literal,
    not_,
    null,
    or_,
    select,
    update,
)

from domain.job.resources import Capacity
from models_store.database.tables import jobs
from models_store.jobs import workers
from models_store.jobs.fair_turns import QUEUED
from models_store.jobs.matching import (
    matches_device,
    matches_environment,
    matches_gpus,
    matches_memory,
)

BATCH = 1000
"""Most rows of one transaction; a concurrent claim skips the locked rows."""


def set_reason(connection: Connection, job_id: str) -> None:
    """Writes the reason of a job that has just been queued."""
    reason = _select_reason(workers.get_capacities(connection), 0)
    is_new = jobs.c.waiting.is_distinct_from(reason)
    connection.execute(update(jobs).where(jobs.c.id == job_id, is_new).values(waiting=reason))


def is_any_outdated(
    connection: Connection, capacities: Collection[Capacity], anywhere_seconds: float
) -> bool:
    """Whether a queued job has an outdated reason."""
    query = _select_outdated(_select_reason(capacities, anywhere_seconds)).limit(1)
    return connection.execute(query).first() is not None


def update_some(
    connection: Connection, capacities: Collection[Capacity], anywhere_seconds: float, after: str
) -> str | None:
    """Updates the outdated reasons of the next queued jobs, in the order of their ids.

    Args:
        after: The result of the previous call; empty in the first call.

    Returns:
        The last id; None if no jobs are left.
    """
    reason = _select_reason(capacities, anywhere_seconds)
    query = _select_outdated(reason).where(jobs.c.id > after).order_by(jobs.c.id).limit(BATCH)
    ids = connection.scalars(query.with_for_update(skip_locked=True)).all()  # SQLite ignores it
    if ids:
        values = {"waiting": reason, "version": jobs.c.version + 1}
        connection.execute(update(jobs).where(jobs.c.id.in_(ids)).values(values))
    return ids[-1] if len(ids) == BATCH else None


def _select_outdated(reason: ColumnElement[str | None]) -> Select[str]:
    return select(jobs.c.id).where(QUEUED, jobs.c.waiting.is_distinct_from(reason))


def _select_reason(
    capacities: Collection[Capacity], anywhere_seconds: float
) -> ColumnElement[str | None]:
    """Selects the first condition that no worker meets along with the previous ones, or NULL."""
    if not capacities:
        return literal("no worker is running")
    kinds = [(matches_device(one) & matches_gpus(one), one) for one in capacities]
    sizes = [(fits & matches_memory(one), one) for fits, one in kinds]
    equal = [fits & matches_environment(one, anywhere_seconds) for fits, one in sizes]
    return case(
        (or_(*equal), null()),
        (not_(or_(*(fits for fits, _ in kinds))), "no worker offers " + _describe_devices()),
        (not_(or_(*(fits for fits, _ in sizes))), _describe_memory()),
        else_="no worker has the environment in which the job resumes with the same bits",
    )


def _describe_devices() -> ColumnElement[str]:
    gpus = case((jobs.c.gpus > 1, cast(jobs.c.gpus, Text) + " gpus"), else_="a gpu")
    return case((jobs.c.device == "cpu", "a cpu"), else_=gpus)


def _describe_memory() -> ColumnElement[str]:
    memory = cast(jobs.c.memory_bytes, Text) + " bytes of memory"
    return case(
        (jobs.c.device == "any", "no worker has " + memory),
        else_="no worker offers " + _describe_devices() + " with " + memory,
    )
