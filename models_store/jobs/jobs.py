"""Jobs as their owners see them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, func, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from domain.errors import Conflict
from domain.graph.summary import RowBytes
from domain.job.job import Job, JobError, JobRequest, JobState, Kind, Progress, Transition
from domain.job.plan import AnyPlan, ImportPlan
from domain.job.resources import need_of
from domain.json.source_map import SourceMap
from domain.sweeps.sweep import ACTIVE
from models_store.database import lookup
from models_store.database.paging import Page, PageRequest, fetch_page
from models_store.database.tables import job_metadata, jobs, sweeps
from models_store.ids import new_id
from models_store.jobs import fair_turns
from models_store.records import events
from models_store.records.uses import TERMINAL, insert_uses

SEEDED: tuple[Kind, ...] = ("train", "build")
"""The kinds of jobs whose result depends on a seed."""


def insert(
    connection: Connection,
    owner: str,
    request: JobRequest,
    sent: dict[str, Any],
    plan: AnyPlan,
    seed: int,
    warnings: Sequence[str] = (),
    row: RowBytes | None = None,
    sweep_id: str | None = None,
) -> str:
    """Inserts and queues an accepted job. Returns its id.

    Args:
        sent: The request as the client sent it; clients get it back as `request`.
        seed: The seed of the request, or a random one.
        warnings: Warnings of the check of the request.
        row: The bytes of one row of the dataset, if the graph leaves lengths open.
        sweep_id: The sweep of which the job is a trial.
    """
    job_id, now, need = new_id("job"), datetime.now(UTC), need_of(request, plan, row)
    values: dict[str, Any] = {
        "id": job_id,
        "owner": owner,
        "kind": request.kind,
        "name": request.name,
        "metadata": request.metadata,
        "state": JobState.QUEUED,
        "rank": -request.priority,
        "device": need.device,
        "gpus": need.gpus,
        "memory_bytes": need.memory_bytes,
        **fair_turns.assign_turns(connection, owner, -request.priority, need.device),
        "request": {**sent, "seed": seed} if request.kind in SEEDED else sent,
        "plan": plan.model_dump(mode="json", by_alias=True),
        "seed": seed,
        "created_at": now,
        "progress": _make_progress(request, now).model_dump(mode="json"),
        "metrics": {},
        "warnings": list(warnings),
        "sweep_id": sweep_id,
    }
    connection.execute(sql_insert(jobs).values(values))
    _insert_metadata(connection, owner, job_id, request.metadata)
    insert_uses(connection, owner, job_id, _get_used_ids(request, plan))
    events.add_state(connection, owner, job_id, JobState.QUEUED, "accepted")
    for text in warnings:
        events.add(connection, owner, job_id, "warning", {"detail": text})
    return job_id


def _make_progress(request: JobRequest, now: datetime) -> Progress:
    fit = request.fit if request.kind == "train" else None
    return Progress(
        epoch=0 if fit is None else fit.initial_epoch,
        epochs=0 if fit is None else fit.epochs,
        step=0,
        steps=0,
        fraction=0.0,
        seconds_remaining=None,
        bytes=0 if request.kind == "import" else None,
        updated_at=now,
    )


def _insert_metadata(
    connection: Connection, owner: str, job_id: str, metadata: dict[str, str]
) -> None:
    rows = [
        {"job_id": job_id, "owner": owner, "key": key, "value": value}
        for key, value in metadata.items()
    ]
    if rows:
        connection.execute(sql_insert(job_metadata), rows)


def _get_used_ids(request: JobRequest, plan: AnyPlan) -> set[str]:
    if isinstance(plan, ImportPlan):
        return {plan.upload}
    named = {plan.graph_id, *request.dataset_ids.values(), request.model, request.donor_id}
    return {name for name in named if name is not None} | plan.sources.keys()


def get(connection: Connection, owner: str, job_id: str) -> Job:
    """Gets a job.

    Raises:
        NotFound: The owner has no job with this id.
    """
    return convert_row(connection, get_row(connection, owner, job_id))


def get_row(connection: Connection, owner: str, job_id: str) -> Row[Any]:
    """Gets the row of a job, with its `version`.

    Raises:
        NotFound: The owner has no job with this id.
    """
    return lookup.get_row(connection, jobs, owner, job_id)


def get_page(
    connection: Connection,
    owner: str,
    request: PageRequest,
    state: JobState | None = None,
    metadata: dict[str, str] | None = None,
    sweep_id: str | None = None,
) -> Page:
    """Gets a page of rows for `convert_page`, newest first.

    Args:
        connection: A transaction.
        owner: The owner of the jobs.
        request: The page.
        state: Selects jobs in this state.
        metadata: Selects jobs that have all of these entries.
        sweep_id: Selects the jobs of the trials of a sweep.
    """
    columns = [column for column in jobs.c if column is not jobs.c.plan]
    query = select(*columns).where(jobs.c.owner == owner)
    if state is not None:
        query = query.where(jobs.c.state == state)
    if sweep_id is not None:
        query = query.where(jobs.c.sweep_id == sweep_id)
    for key, value in (metadata or {}).items():
        query = query.where(
            exists().where(
                job_metadata.c.job_id == jobs.c.id,
                job_metadata.c.owner == owner,
                job_metadata.c.key == key,
                job_metadata.c.value == value,
            )
        )
    return fetch_page(connection, query, jobs, request)


def convert_page(connection: Connection, page: Page) -> list[Job]:
    """Converts the rows of a page to jobs."""
    queued = [row for row in page.rows if row.state == JobState.QUEUED]
    positions = fair_turns.find_positions(connection, queued)
    return [_convert(connection, row, positions.get(row.id)) for row in page.rows]


def convert_row(connection: Connection, row: Row[Any]) -> Job:
    """Converts a row to a job."""
    is_queued = row.state == JobState.QUEUED
    position = fair_turns.find_position(connection, row) if is_queued else None
    return _convert(connection, row, position)


def _convert(connection: Connection, row: Row[Any], position: int | None) -> Job:
    state = JobState(row.state)
    return Job(
        id=row.id,
        kind=row.kind,
        name=row.name,
        metadata=row.metadata,
        state=state,
        is_terminal=state.is_terminal,
        position=position,
        attempt=row.attempt,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        progress=_get_progress(row, state),
        metrics=row.metrics,
        stopped=row.stopped,
        best=row.best,
        model=row.model_id,
        dataset=row.dataset_id,
        sweep=row.sweep_id,
        warnings=row.warnings,
        error=_get_error(row),
        environment=row.environment,
        bit_exact=row.bit_exact,
        transitions=_get_transitions(connection, row),
        request=row.request,
    )


def _get_transitions(connection: Connection, row: Row[Any]) -> list[Transition]:
    """Gets the changes of state; the last reason of a waiting job is the reason of its wait."""
    changes = events.get_transitions(connection, row.owner, row.id)
    if row.state != JobState.QUEUED or row.waiting is None:
        return changes
    return [*changes[:-1], changes[-1].model_copy(update={"reason": f"waiting: {row.waiting}"})]


def count_by_state(connection: Connection) -> dict[str, int]:
    """Counts the jobs of all owners by state."""
    query = select(jobs.c.state, func.count()).group_by(jobs.c.state)
    return {state: count for state, count in connection.execute(query)}  # noqa: C416


def _get_error(row: Row[Any]) -> JobError | None:
    """Returns the error of a job, with a pointer that exists in its request.

    A fault inside a stored graph or model points to its id in the request.
    """
    if row.error is None:
        return None
    error = JobError.model_validate(row.error)
    if error.pointer is None:
        return error
    place = SourceMap(body=row.request).place_of(error.pointer)
    return error.model_copy(update={"pointer": place})


def _get_progress(row: Row[Any], state: JobState) -> Progress:
    """Returns the progress, without an estimate if the job ended early or is paused."""
    progress = Progress.model_validate(row.progress)
    if state in (JobState.CANCELLED, JobState.FAILED, JobState.PAUSED):
        return progress.model_copy(update={"seconds_remaining": None})
    return progress


def delete(connection: Connection, owner: str, job_id: str) -> None:
    """Deletes a job that has ended, with its history and events; its model stays.

    Raises:
        NotFound: The owner has no job with this id.
        Conflict: The job has not ended, or is a trial of a sweep that has not.
    """
    row = get_row(connection, owner, job_id)
    if row.state not in TERMINAL:
        raise Conflict(f"The job is {row.state}; cancel it first and delete it when it has ended.")
    if row.sweep_id is not None:
        _refuse_if_active(connection, row.sweep_id)
    connection.execute(sql_delete(jobs).where(jobs.c.owner == owner, jobs.c.id == job_id))


def _refuse_if_active(connection: Connection, sweep_id: str) -> None:
    """Checks that the sweep of a trial has ended.

    Raises:
        Conflict: It has not; its pruner compares the epochs of the trial.
    """
    query = select(sweeps.c.state).where(sweeps.c.id == sweep_id)
    state = connection.execute(query).scalar_one_or_none()
    if state in ACTIVE:
        detail = f"The job is a trial of the sweep '{sweep_id}', which is {state}; cancel that "
        raise Conflict(f"{detail}first, or wait for its end.")
