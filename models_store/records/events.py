"""Events of a job, numbered from 1 in order of time."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, String, bindparam, func, insert, literal_column, select

from domain.event import Event, EventType
from domain.job.job import JobState, Transition
from models_store.database.paging import MOST_BYTES, count_fitting, measure_json
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


_TRANSITIONS = (
    select(events.c.at, events.c.data)
    .where(
        events.c.owner == bindparam("owner", type_=String),
        events.c.job_id == _JOB,
        events.c.type == literal_column("'state'"),
    )
    .order_by(events.c.sequence)
)
"""Built once for the same reason: a page of jobs runs it for each of them."""


class EventPage(NamedTuple):
    """Consecutive events of a job, oldest first."""

    events: list[Event]
    has_more: bool
    """Whether more events follow."""


def get_page(
    connection: Connection,
    owner: str,
    job_id: str,
    sequence: int,
    size: int,
    most_bytes: int = MOST_BYTES,
) -> EventPage:
    """Gets the events after number `sequence`.

    Args:
        connection: A transaction.
        owner: The owner of the job.
        job_id: The job's id.
        sequence: The number of the event before the page; 0 for the first page.
        size: The largest number of events.
        most_bytes: The largest number of characters of their data, unless one event has more.
    """
    query = (
        select(events)
        .where(events.c.owner == owner, events.c.job_id == job_id, events.c.sequence > sequence)
        .order_by(events.c.sequence)
    )
    length = query.with_only_columns(measure_json([events.c.data])).limit(size + 1)
    lengths = connection.execute(length).scalars().all()
    count = count_fitting(lengths[:size], most_bytes)
    found = [
        Event(id=row.sequence, at=row.at, type=row.type, data=row.data)
        for row in (connection.execute(query.limit(count)) if count else ())
    ]
    return EventPage(found, len(lengths) > count)


def get_newest(connection: Connection, owner: str, job_id: str) -> int:
    """Gets the number of the newest event of a job; 0 if there is none."""
    query = select(func.coalesce(func.max(events.c.sequence), 0))
    query = query.where(events.c.owner == owner, events.c.job_id == job_id)
    newest: int = connection.execute(query).scalar_one()
    return newest


def get_transitions(connection: Connection, owner: str, job_id: str) -> list[Transition]:
    """Gets all changes of the job's state, oldest first."""
    rows = connection.execute(_TRANSITIONS, {"owner": owner, "job": job_id})
    return [Transition(at=row.at, **row.data) for row in rows]
