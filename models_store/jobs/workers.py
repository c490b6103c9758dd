"""Registered workers, with their capacities and heartbeats."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    case,
    delete,
    insert,
    literal_column,
    select,
    update,
)

from domain.job.resources import Capacity
from domain.worker import Worker
from models_store.database.paging import Page
from models_store.database.paging import page as page_of
from models_store.database.tables import jobs, workers
from models_store.database.types import database_clock
from models_store.jobs.leases import LEASED

FORGOTTEN_SECONDS = 3600.0
"""How long lost workers stay in the list."""
IS_LEASED = jobs.c.state.in_([literal_column(f"'{state}'") for state in LEASED])
"""Written out, as in the index."""
ALIVE = workers.c.alive_until >= database_clock()


@dataclass(frozen=True)
class Announcement:
    """The registration of a worker."""

    id: str
    name: str
    capacity: Capacity
    devices: tuple[str, ...]
    """The model of each."""
    environment: Mapping[str, str | int | bool | None]
    version: str
    started_at: datetime


def beat(connection: Connection, announced: Announcement, lost_after_seconds: float) -> None:
    """Records a heartbeat; registers a worker that has no row.

    Args:
        lost_after_seconds: Seconds without a heartbeat after which the worker counts as lost.
    """
    now = database_clock()
    sign = {"heartbeat": now, "alive_until": now + lost_after_seconds}
    statement = update(workers).where(workers.c.id == announced.id).values(sign)
    if connection.execute(statement).rowcount == 0:
        connection.execute(insert(workers).values(**_columns_of(announced), **sign))


def _columns_of(announced: Announcement) -> dict[str, Any]:
    return {
        "id": announced.id,
        "name": announced.name,
        "device": announced.capacity.device,
        "devices": list(announced.devices),
        "gpus": announced.capacity.gpus,
        "memory_bytes": announced.capacity.memory_bytes,
        "environment": dict(announced.environment),
        "environment_key": announced.capacity.environment_key,
        "version": announced.version,
        "started_at": announced.started_at,
    }


def retire(connection: Connection, worker_id: str) -> None:
    """Deletes the row of a worker that stops."""
    connection.execute(delete(workers).where(workers.c.id == worker_id))


def forget_lost(connection: Connection) -> None:
    """Deletes workers that were lost `FORGOTTEN_SECONDS` ago."""
    long_ago = database_clock() - FORGOTTEN_SECONDS
    connection.execute(delete(workers).where(workers.c.alive_until < long_ago))


def offered(connection: Connection) -> frozenset[Capacity]:
    """The distinct capacities of all live workers."""
    offer = workers.c.device, workers.c.gpus, workers.c.memory_bytes, workers.c.environment_key
    query = select(*offer).where(ALIVE).distinct()
    return frozenset(Capacity(**row._mapping) for row in connection.execute(query))


def page(connection: Connection, owner: str, cursor: str | None, size: int) -> Page:
    """Rows for `viewed`, newest first; everybody sees every worker, but only their own jobs."""
    mine = _claimed_job(jobs.c.owner == owner)
    state = case((~ALIVE, "lost"), (_claimed_job().is_not(None), "busy"), else_="idle")
    query = select(workers, state.label("state"), mine.label("job"))
    return page_of(connection, query, workers, cursor, size)


def _claimed_job(*conditions: ColumnElement[bool]) -> ScalarSelect[str]:
    """The job that a worker has claimed last and holds still."""
    query = select(jobs.c.id).where(jobs.c.worker == workers.c.id, IS_LEASED, *conditions)
    return query.order_by(jobs.c.claimed_at.desc()).limit(1).scalar_subquery()


def viewed(row: Row[Any]) -> Worker:
    """A row as a worker."""
    return Worker(
        id=row.id,
        name=row.name,
        device=row.device,
        devices=row.devices,
        gpus=row.gpus,
        memory_bytes=row.memory_bytes,
        version=row.version,
        state=row.state,
        job=row.job,
        started_at=row.started_at,
        last_heartbeat=datetime.fromtimestamp(row.heartbeat, UTC),
    )
