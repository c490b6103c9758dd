"""The trials of sweeps."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from domain.errors import Fault, Invalid, NotFound
from domain.sweeps.space import Space, Suggestion, get_values
from domain.sweeps.sweep import SweepError, Trial, TrialState
from models_store.database.paging import PageRequest
from models_store.database.tables import jobs, models, trials


def add(
    connection: Connection,
    owner: str,
    sweep_id: str,
    number: int,
    suggestion: Suggestion,
    job_id: str | None,
    error: SweepError | None = None,
) -> None:
    """Inserts a trial: with its job, or with the error of its request.

    The primary key refuses a second trial of the same number.
    """
    now = datetime.now(UTC)
    values = {
        "sweep_id": sweep_id,
        "number": number,
        "owner": owner,
        "state": TrialState.RUNNING if error is None else TrialState.FAILED,
        "suggestion": dict(suggestion),
        "job_id": job_id,
        "attributes": {},
        "error": None if error is None else error.model_dump(mode="json"),
        "created_at": now,
        "finished_at": None if error is None else now,
    }
    connection.execute(insert(trials).values(values))


def end(
    connection: Connection,
    sweep_id: str,
    number: int,
    state: TrialState,
    value: float | None = None,
    epoch: int | None = None,
    error: SweepError | None = None,
) -> bool:
    """Ends a running trial. Returns whether it was running."""
    values = {
        "state": state,
        "value": value,
        "epoch": epoch,
        "error": None if error is None else error.model_dump(mode="json"),
        "finished_at": datetime.now(UTC),
    }
    return _update_running(connection, sweep_id, number, values)


def note_seen(
    connection: Connection, sweep_id: str, number: int, seen: int, attributes: dict[str, Any]
) -> None:
    """Records up to which epoch the pruner has seen a running trial, and what it remembers."""
    _update_running(connection, sweep_id, number, {"seen": seen, "attributes": attributes})


def _update_running(
    connection: Connection, sweep_id: str, number: int, values: dict[str, Any]
) -> bool:
    statement = (
        update(trials)
        .where(
            trials.c.sweep_id == sweep_id,
            trials.c.number == number,
            trials.c.state == TrialState.RUNNING,
        )
        .values(values)
    )
    return connection.execute(statement).rowcount > 0


def list_rows(connection: Connection, sweep_id: str) -> Sequence[Row[Any]]:
    """Lists all trials of a sweep, by number."""
    query = select(trials).where(trials.c.sweep_id == sweep_id).order_by(trials.c.number)
    return connection.execute(query).all()


_WITH_MODEL = (
    select(trials, models.c.id.label("model_id"))
    .outerjoin(jobs, jobs.c.id == trials.c.job_id)
    .outerjoin(models, models.c.id == jobs.c.model_id)
)


def get(connection: Connection, sweep_id: str, number: int, space: Space) -> Trial:
    """Gets one trial, which exists."""
    query = _WITH_MODEL.where(trials.c.sweep_id == sweep_id, trials.c.number == number)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("trial", str(number))
    return convert_row(row, space)


def get_page(
    connection: Connection,
    sweep_id: str,
    request: PageRequest,
    space: Space,
    state: TrialState | None = None,
) -> tuple[list[Trial], str | None]:
    """Gets a page of trials, in the order of their numbers, and the cursor of the next page.

    Raises:
        Invalid: The cursor is malformed.
    """
    query: Select[Any] = _WITH_MODEL.where(trials.c.sweep_id == sweep_id)
    if state is not None:
        query = query.where(trials.c.state == state)
    if request.cursor is not None:
        query = query.where(trials.c.number > _parse(request.cursor))
    rows = connection.execute(query.order_by(trials.c.number).limit(request.size + 1)).all()
    shown = rows[: request.size]
    more = len(rows) > len(shown)
    return [convert_row(row, space) for row in shown], str(shown[-1].number) if more else None


def _parse(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
        raise Invalid([Fault(pointer="", detail="`cursor` is not a `next_cursor` of this list.")])
    return int(cursor)


def convert_row(row: Row[Any], space: Space) -> Trial:
    """Converts a row to a trial."""
    return Trial(
        number=row.number,
        state=TrialState(row.state),
        parameters=get_values(space, row.suggestion),
        value=row.value,
        epoch=row.epoch,
        job=row.job_id,
        model=row.model_id,
        error=None if row.error is None else SweepError.model_validate(row.error),
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def count(connection: Connection, sweep_id: str, *states: TrialState) -> int:
    """Counts the trials of a sweep in some states."""
    query = select(func.count()).where(trials.c.sweep_id == sweep_id, trials.c.state.in_(states))
    found: int = connection.execute(query).scalar_one()
    return found
