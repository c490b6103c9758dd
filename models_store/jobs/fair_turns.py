"""Turns: numbers by which claims alternate between owners.

A job has one turn for each kind of device that may run it. The turn is one more than the higher
of two turns: the highest that workers of this kind have claimed, and the highest of the owner's
queued jobs. So the next jobs of all owners have about the same turn, and a claim takes the lowest.
Each priority counts its own turns. The algorithm is start-time fair queueing; docs/decisions
explains why a job has two turns.
"""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    func,
    literal,
    literal_column,
    select,
    text,
    tuple_,
    union_all,
)

from domain.job.resources import DEVICE_KINDS, DeviceKind
from models_store.database.tables import jobs
from models_store.database.types import database_clock

QUEUED = jobs.c.state == literal_column("'queued'")
"""A literal, as in the partial indexes of the queue, which a parameter would not match."""
LOCK = 7_227_349
"""An arbitrary number: PostgreSQL serializes the insertion of one owner's jobs by this lock."""
MOST_COUNTED = 1_000
"""The most jobs that are counted before a queued job."""


def turn_column(kind: DeviceKind) -> Column[int]:
    """Returns the column of turns for a kind of device; NULL if the job may not run on it."""
    return jobs.c.cpu_turn if kind == "cpu" else jobs.c.gpu_turn


def is_queued_for(kind: DeviceKind) -> ColumnElement[bool]:
    """Whether the job is queued and may run on this kind of device."""
    return QUEUED & turn_column(kind).is_not(None)


def assign_turns(
    connection: Connection, owner: str, rank: int, device: Literal["any", "cpu", "gpu"]
) -> dict[str, Any]:
    """Returns the columns of a new or resumed job: its turns and the time of queueing.

    A job that is queued again after a lost worker keeps its turns.
    """
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(:lock, hashtext(:owner))")
        connection.execute(lock, {"lock": LOCK, "owner": owner})
    turns = {
        turn_column(kind).name: _select_next_turn(turn_column(kind), kind, owner, rank)
        for kind in DEVICE_KINDS
        if device in ("any", kind)
    }
    return {**turns, "queued_at": database_clock()}


def find_position(connection: Connection, job: Row[Any]) -> int:
    """Counts the queued jobs that a worker takes before a queued job, up to `MOST_COUNTED`.

    A job that several kinds of devices may run counts as the first of them would take it.
    """
    turns = {kind: getattr(job, turn_column(kind).name) for kind in DEVICE_KINDS}
    return min(
        _count_before(connection, kind, (job.rank, turn, job.id))
        for kind, turn in turns.items()
        if turn is not None
    )


def find_positions(connection: Connection, page: Sequence[Row[Any]]) -> dict[str, int]:
    """Finds the positions of several queued jobs, by one query for each kind of device.

    Returns:
        What `find_position` returns, by the id of the job.
    """
    found: dict[str, int] = {}
    for kind in DEVICE_KINDS:
        waiting = [row.id for row in page if getattr(row, turn_column(kind).name) is not None]
        if waiting:
            first = _list_first(connection, kind)
            for job_id in waiting:
                place = first.get(job_id, MOST_COUNTED)
                found[job_id] = min(place, found.get(job_id, MOST_COUNTED))
    return found


def _list_first(connection: Connection, kind: DeviceKind) -> dict[str, int]:
    """Returns the places of the first jobs in the queue of a kind of device, from 0, by id."""
    order = (jobs.c.rank, turn_column(kind), jobs.c.id)
    query = select(jobs.c.id).where(is_queued_for(kind)).order_by(*order).limit(MOST_COUNTED)
    return {job_id: place for place, job_id in enumerate(connection.execute(query).scalars())}


def _count_before(connection: Connection, kind: DeviceKind, place: tuple[int, int, str]) -> int:
    """Counts the jobs in the queue of a kind of device before a place, by its index alone."""
    before = tuple_(jobs.c.rank, turn_column(kind), jobs.c.id) < tuple_(*map(literal, place))
    some: Select[Any] = (
        select(literal_column("1")).select_from(jobs).where(is_queued_for(kind), before)
    )
    counted = select(func.count()).select_from(some.limit(MOST_COUNTED).subquery())
    return int(connection.execute(counted).scalar_one())


def _select_next_turn(
    turn: Column[int], kind: DeviceKind, owner: str, rank: int
) -> ScalarSelect[int]:
    """Selects the next turn, by three queries that read only indexes.

    The query of the lowest queued turn is for the case that claimed jobs were deleted.
    """
    has_rank = jobs.c.rank == rank
    claimed = select(func.max(turn).label("turn")).where(
        has_rank, jobs.c.claimed_on == literal_column(f"'{kind}'")
    )
    waiting = select(func.min(turn) - 1).where(has_rank, is_queued_for(kind))
    own = select(func.max(turn)).where(has_rank, is_queued_for(kind), jobs.c.owner == owner)
    highest = union_all(claimed, waiting, own).subquery()
    return select(func.coalesce(func.max(highest.c.turn), 0) + 1).scalar_subquery()
