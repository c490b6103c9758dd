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
from models_store.database.paging import Page, PageRequest, fetch_page
from models_store.database.tables import jobs, workers
from models_store.database.types import database_clock
from models_store.jobs.leases import LEASED

LOST_KEPT_SECONDS = 3600.0
"""Seconds that lost workers stay in the list."""
IS_LEASED = jobs.c.state.in_([literal_column(f"'{state}'") for state in LEASED])
"""Literals, as in the partial index."""
ALIVE = workers.c.alive_until >= database_clock()


@dataclass(frozen=True)
class Announcement:
    """The registration of a worker."""

    id: str
    name: str
    capacity: Capacity
    devices: tuple[str, ...]
    """The model of each device."""
    environment: Mapping[str, str | int | bool | None]
    version: str
    started_at: datetime


def record_heartbeat(
    connection: Connection, announcement: Announcement, lost_after_seconds: float
) -> None:
    """Records a heartbeat; registers a worker that has no row.

    Args:
        lost_after_seconds: Seconds without a heartbeat after which the worker counts as lost.
    """
    now = database_clock()
    heartbeat = {"heartbeat": now, "alive_until": now + lost_after_seconds}
    statement = update(workers).where(workers.c.id == announcement.id).values(heartbeat)
    if connection.execute(statement).rowcount == 0:
        connection.execute(insert(workers).values(**_get_columns(announcement), **heartbeat))


def _get_columns(announcement: Announcement) -> dict[str, Any]:
    return {
        "id": announcement.id,
        "name": announcement.name,
        "device": announcement.capacity.device,
        "devices": list(announcement.devices),
        "gpus": announcement.capacity.gpus,
        "memory_bytes": announcement.capacity.memory_bytes,
        "environment": dict(announcement.environment),
        "environment_key": announcement.capacity.environment_key,
        "version": announcement.version,
        "started_at": announcement.started_at,
    }


def unregister(connection: Connection, worker_id: str) -> None:
    """Deletes the row of a worker that stops."""
    connection.execute(delete(workers).where(workers.c.id == worker_id))


def delete_lost(connection: Connection) -> None:
    """Deletes workers that were lost `LOST_KEPT_SECONDS` ago."""
    before = database_clock() - LOST_KEPT_SECONDS
    connection.execute(delete(workers).where(workers.c.alive_until < before))


def get_capacities(connection: Connection) -> frozenset[Capacity]:
    """Gets the distinct capacities of all live workers."""
    columns = workers.c.device, workers.c.gpus, workers.c.memory_bytes, workers.c.environment_key
    query = select(*columns).where(ALIVE).distinct()
    return frozenset(Capacity(**row._mapping) for row in connection.execute(query))


def get_page(connection: Connection, owner: str, request: PageRequest) -> Page:
    """Gets a page of rows for `convert_row`, newest first.

    The page has all workers; the column `job` has only jobs of the owner.
    """
    own = _select_claimed_job(jobs.c.owner == owner)
    state = case((~ALIVE, "lost"), (_select_claimed_job().is_not(None), "busy"), else_="idle")
    query = select(workers, state.label("state"), own.label("job"))
    return fetch_page(connection, query, workers, request)


def _select_claimed_job(*conditions: ColumnElement[bool]) -> ScalarSelect[str]:
    """Selects the job that a worker claimed last and still runs."""
    query = select(jobs.c.id).where(jobs.c.worker == workers.c.id, IS_LEASED, *conditions)
    return query.order_by(jobs.c.claimed_at.desc()).limit(1).scalar_subquery()


def convert_row(row: Row[Any]) -> Worker:
    """Converts a row to a worker."""
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
