"""Turns: owners take turns, however many jobs each of them has queued.

A job stands in a queue for each kind of device that may run it, with a turn in each: one after
the highest of what workers of that kind have come to and of its owner's other jobs there. So the
next job of every owner has about the same turn, and a claim takes the lowest. Each priority has
queues of its own. (Start-time fair queueing; docs/decisions tells why there are two turns.)
"""

from typing import Any, Literal

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ScalarSelect,
    func,
    literal_column,
    select,
    text,
    union_all,
)

from domain.job.resources import DEVICE_KINDS, DeviceKind
from models_store.database.tables import jobs
from models_store.database.types import database_clock

QUEUED = jobs.c.state == literal_column("'queued'")
"""Written out, as the indexes of the queue are: a parameter would not find them."""
LOCK = 7_227_349
"""Any number: one owner's jobs take their turns one after the other on PostgreSQL."""


def turn_of(kind: DeviceKind) -> Column[int]:
    """The turn in one kind's queue; NULL where the job does not stand there."""
    return jobs.c.cpu_turn if kind == "cpu" else jobs.c.gpu_turn


def in_queue(kind: DeviceKind) -> ColumnElement[bool]:
    """Of the jobs that workers of this kind may take."""
    return QUEUED & turn_of(kind).is_not(None)


def taken(
    connection: Connection, owner: str, rank: int, device: Literal["any", "cpu", "gpu"]
) -> dict[str, Any]:
    """The columns of a job that goes to the queue: new, or resumed after a pause.

    A job that comes back from a lost worker keeps its turn, and takes none.
    """
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(:lock, hashtext(:owner))")
        connection.execute(lock, {"lock": LOCK, "owner": owner})
    turns = {
        turn_of(kind).name: _next(turn_of(kind), kind, owner, rank)
        for kind in DEVICE_KINDS
        if device in ("any", kind)
    }
    return {**turns, "queued_at": database_clock()}


def _next(turn: Column[int], kind: DeviceKind, owner: str, rank: int) -> ScalarSelect[int]:
    """One after each of three, found by index alone; the second holds where jobs were deleted."""
    of_rank = jobs.c.rank == rank
    claimed = select(func.max(turn).label("turn")).where(
        of_rank, jobs.c.claimed_on == literal_column(f"'{kind}'")
    )
    waiting = select(func.min(turn) - 1).where(of_rank, in_queue(kind))
    own = select(func.max(turn)).where(of_rank, in_queue(kind), jobs.c.owner == owner)
    highest = union_all(claimed, waiting, own).subquery()
    return select(func.coalesce(func.max(highest.c.turn), 0) + 1).scalar_subquery()
