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
from models_store.jobs.matching import bits_fit, device_fits, gpus_fit, memory_fits

BATCH = 1000
"""Most rows of one transaction; a concurrent claim skips the locked rows."""


def set_reason(connection: Connection, job_id: str) -> None:
    """Writes the reason of a job that has just been queued."""
    reason = _reason(workers.offered(connection), 0)
    is_new = jobs.c.waiting.is_distinct_from(reason)
    connection.execute(update(jobs).where(jobs.c.id == job_id, is_new).values(waiting=reason))


def is_any_outdated(
    connection: Connection, offers: Collection[Capacity], anywhere_seconds: float
) -> bool:
    """Whether a queued job has an outdated reason."""
    query = _select_outdated(_reason(offers, anywhere_seconds)).limit(1)
    return connection.execute(query).first() is not None


def update_some(
    connection: Connection, offers: Collection[Capacity], anywhere_seconds: float, after: str
) -> str | None:
    """Updates the outdated reasons of the next queued jobs, in the order of their ids.

    Args:
        after: The result of the previous call; empty in the first call.

    Returns:
        The last id; None if no jobs are left.
    """
    reason = _reason(offers, anywhere_seconds)
    query = _select_outdated(reason).where(jobs.c.id > after).order_by(jobs.c.id).limit(BATCH)
    ids = connection.scalars(query.with_for_update(skip_locked=True)).all()  # not on SQLite
    if ids:
        values = {"waiting": reason, "version": jobs.c.version + 1}
        connection.execute(update(jobs).where(jobs.c.id.in_(ids)).values(values))
    return ids[-1] if len(ids) == BATCH else None


def _select_outdated(reason: ColumnElement[str | None]) -> Select[str]:
    return select(jobs.c.id).where(QUEUED, jobs.c.waiting.is_distinct_from(reason))


def _reason(offers: Collection[Capacity], anywhere_seconds: float) -> ColumnElement[str | None]:
    """The first condition that no worker meets with the previous ones; NULL if one fits."""
    if not offers:
        return literal("no worker is running")
    kinds = [(device_fits(one) & gpus_fit(one), one) for one in offers]
    sizes = [(fits & memory_fits(one), one) for fits, one in kinds]
    equal = [fits & bits_fit(one, anywhere_seconds) for fits, one in sizes]
    return case(
        (or_(*equal), null()),
        (not_(or_(*(fits for fits, _ in kinds))), "no worker offers " + _wanted()),
        (not_(or_(*(fits for fits, _ in sizes))), _too_large()),
        else_="no worker has the environment in which it goes on with the same bits",
    )


def _wanted() -> ColumnElement[str]:
    gpus = case((jobs.c.gpus > 1, cast(jobs.c.gpus, Text) + " gpus"), else_="a gpu")
    return case((jobs.c.device == "cpu", "a cpu"), else_=gpus)


def _too_large() -> ColumnElement[str]:
    memory = cast(jobs.c.memory_bytes, Text) + " bytes of memory"
    return case(
        (jobs.c.device == "any", "no worker has " + memory),
        else_="no worker offers " + _wanted() + " with " + memory,
    )
