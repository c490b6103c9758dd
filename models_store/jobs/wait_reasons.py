"""Why queued jobs wait that no worker can take; the claim's own rule says which those are."""

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
"""Rows of one transaction: a claim that comes by skips no more than these."""


def tell(connection: Connection, job_id: str) -> None:
    """Tells one job that has just been queued; it has no checkpoint yet."""
    reason = _reason(workers.offered(connection), 0)
    is_new = jobs.c.waiting.is_distinct_from(reason)
    connection.execute(update(jobs).where(jobs.c.id == job_id, is_new).values(waiting=reason))


def is_any_untold(
    connection: Connection, offers: Collection[Capacity], anywhere_seconds: float
) -> bool:
    """Whether a queued job says something else than what is true."""
    query = _untold(_reason(offers, anywhere_seconds)).limit(1)
    return connection.execute(query).first() is not None


def tell_some(
    connection: Connection, offers: Collection[Capacity], anywhere_seconds: float, after: str
) -> str | None:
    """Tells the next queued jobs, in the order of their ids, why they wait or that they do not.

    Args:
        after: The id that the call before gave, empty at first.

    Returns:
        The id to go on after; None when this was the last call.
    """
    reason = _reason(offers, anywhere_seconds)
    query = _untold(reason).where(jobs.c.id > after).order_by(jobs.c.id).limit(BATCH)
    ids = connection.scalars(query.with_for_update(skip_locked=True)).all()  # not on SQLite
    if ids:
        told = {"waiting": reason, "version": jobs.c.version + 1}
        connection.execute(update(jobs).where(jobs.c.id.in_(ids)).values(told))
    return ids[-1] if len(ids) == BATCH else None


def _untold(reason: ColumnElement[str | None]) -> Select[str]:
    return select(jobs.c.id).where(QUEUED, jobs.c.waiting.is_distinct_from(reason))


def _reason(offers: Collection[Capacity], anywhere_seconds: float) -> ColumnElement[str | None]:
    """The first thing that no worker offers together with those before; NULL where one fits."""
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
