"""Sweeps as their owners see them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy import delete as sql_delete

from domain.errors import Conflict
from domain.sweeps.request import SweepRequest
from domain.sweeps.sweep import ACTIVE, Sweep, SweepError, SweepState, TrialCounts
from models_store.database import lookup
from models_store.database.paging import Page, PageRequest, fetch_page
from models_store.database.tables import sweep_uses, sweeps, trials
from models_store.ids import new_id
from models_store.sweeps import trials as trial_rows


def add(
    connection: Connection,
    owner: str,
    name: str | None,
    sent: dict[str, Any],
    seed: int,
    count: int,
    resource_ids: Iterable[str],
) -> str:
    """Inserts an accepted sweep, of which no trial has started. Returns its id.

    Args:
        connection: A transaction.
        owner: The owner of the sweep and of its trials.
        name: The name of the sweep.
        sent: The request as the client sent it; clients get it back as `request`.
        seed: The seed of the request, or a random one.
        count: The number of trials.
        resource_ids: The graph, the model and the datasets that the trials use.
    """
    sweep_id = new_id("sweep")
    values = {
        "id": sweep_id,
        "owner": owner,
        "name": name,
        "state": SweepState.RUNNING,
        "request": {**sent, "seed": seed},
        "seed": seed,
        "trials": count,
        "created_at": datetime.now(UTC),
    }
    connection.execute(insert(sweeps).values(values))
    used = [
        {"sweep_id": sweep_id, "resource_id": resource_id, "owner": owner}
        for resource_id in sorted(set(resource_ids))
    ]
    if used:
        connection.execute(insert(sweep_uses), used)
    return sweep_id


def get_row(connection: Connection, owner: str, sweep_id: str) -> Row[Any]:
    """Gets the row of a sweep.

    Raises:
        NotFound: The owner has no sweep with this id.
    """
    return lookup.get_row(connection, sweeps, owner, sweep_id)


def get(connection: Connection, owner: str, sweep_id: str) -> Sweep:
    """Gets a sweep.

    Raises:
        NotFound: The owner has no sweep with this id.
    """
    return convert_row(connection, get_row(connection, owner, sweep_id))


def get_page(connection: Connection, owner: str, request: PageRequest) -> Page:
    """Gets a page of rows for `convert_row`, newest first; see `fetch_page`."""
    query = select(sweeps).where(sweeps.c.owner == owner)
    return fetch_page(connection, query, sweeps, request)


def convert_row(connection: Connection, row: Row[Any]) -> Sweep:
    """Converts a row to a sweep, with its best trial."""
    state = SweepState(row.state)
    best = None
    if row.best is not None:
        request = SweepRequest.model_validate(row.request)
        best = trial_rows.get(connection, row.id, row.best, request.space)
    return Sweep(
        id=row.id,
        name=row.name,
        state=state,
        is_terminal=state.is_terminal,
        created_at=row.created_at,
        finished_at=row.finished_at,
        trials=_count_trials(connection, row),
        best=best,
        importances=row.importances,
        error=None if row.error is None else SweepError.model_validate(row.error),
        request=row.request,
    )


def _count_trials(connection: Connection, row: Row[Any]) -> TrialCounts:
    query = (
        select(trials.c.state, func.count())
        .where(trials.c.sweep_id == row.id)
        .group_by(trials.c.state)
    )
    counts = {state: count for state, count in connection.execute(query)}  # noqa: C416
    return TrialCounts(total=row.trials, **counts)


def cancel(connection: Connection, owner: str, sweep_id: str) -> bool:
    """Starts no further trials. Returns whether the sweep was running.

    The caller cancels the jobs of its trials. The sweep is `cancelled` when they have ended.

    Raises:
        NotFound: The owner has no sweep with this id.
        Conflict: The sweep has succeeded or failed.
    """
    changed = update_active(
        connection, sweep_id, {"state": SweepState.CANCELLING}, SweepState.RUNNING, owner=owner
    )
    if not changed:
        state = get_row(connection, owner, sweep_id).state
        if state in (SweepState.SUCCEEDED, SweepState.FAILED):
            raise Conflict(f"The sweep has {state} already.")
    return changed


def update_active(
    connection: Connection,
    sweep_id: str,
    values: dict[str, Any],
    *states: SweepState,
    owner: str | None = None,
) -> bool:
    """Updates a sweep that is in one of the states. Returns whether it was.

    The lock of the row lets one transaction at a time change the sweep and its trials.
    """
    statement = update(sweeps).where(sweeps.c.id == sweep_id, sweeps.c.state.in_(states))
    if owner is not None:
        statement = statement.where(sweeps.c.owner == owner)
    values = {**values, "version": sweeps.c.version + 1}
    return connection.execute(statement.values(values)).rowcount > 0


def delete(connection: Connection, owner: str, sweep_id: str) -> None:
    """Deletes a sweep that has ended, and its trials; their jobs and models stay.

    Raises:
        NotFound: The owner has no sweep with this id.
        Conflict: The sweep has not ended.
    """
    state = get_row(connection, owner, sweep_id).state
    if state in ACTIVE:
        raise Conflict(f"The sweep is {state}; cancel it first and delete it when it has ended.")
    connection.execute(sql_delete(sweeps).where(sweeps.c.owner == owner, sweeps.c.id == sweep_id))
