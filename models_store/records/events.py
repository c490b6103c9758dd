"""Events of a job, numbered from 1 in order of time."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, String, bindparam, func, insert, select

from domain.event import Event, EventType
from domain.job.job import JobState, Transition
from models_store.database.tables import events

REQUESTED = "asked by the client"
"""The reason of a transition that the owner requested."""

_JOB = bindparam("job", type_=String)
_NEWEST = select(func.coalesce(func.max(events.c.sequence), 0)).where(events.c.job_id == _JOB)
_ADD = insert(events).values(
    job_id=_JOB,
    sequence=_NEWEST.scalar_subquery() + 1,
    **{name: bindparam(name) for name in ("owner", "at", "type", "data")},
)
"""Built once, since building it takes longer than running it."""


def add(
    connection: Connection, owner: str, job_id: str, kind: EventType, data: dict[str, Any]
) -> None:
    """Inserts an event.

    The transaction must have updated the job's row before; the lock of the row makes the numbers
    unique.
    """
    values = {"job": job_id, "owner": owner, "at": datetime.now(UTC), "type": kind, "data": data}
    connection.execute(_ADD, values)


def add_state(
    connection: Connection, owner: str, job_id: str, state: JobState, reason: str
) -> None:
    """Inserts the event of a new state."""
    add(connection, owner, job_id, "state", {"state": state.value, "reason": reason})


def get_after(
    connection: Connection, owner: str, job_id: str, sequence: int, size: int
) -> list[Event]:
    """Gets up to `size` events after number `sequence`, oldest first."""
    query = (
        select(events)
        .where(events.c.owner == owner, events.c.job_id == job_id, events.c.sequence > sequence)
        .order_by(events.c.sequence)
        .limit(size)
    )
    return [
        Event(id=row.sequence, at=row.at, type=row.type, data=row.data)
        for row in connection.execute(query)
    ]


def get_transitions(connection: Connection, owner: str, job_id: str) -> list[Transition]:
    """Gets all changes of the job's state, oldest first."""
    query = (
        select(events.c.at, events.c.data)
        .where(events.c.owner == owner, events.c.job_id == job_id, events.c.type == "state")
        .order_by(events.c.sequence)
    )
    return [Transition(at=row.at, **row.data) for row in connection.execute(query)]
