"""Cancel, pause, resume and finish a job."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, case, update

from domain.errors import Conflict
from domain.job.job import JobState
from models_store.database.tables import jobs
from models_store.jobs import fair_turns, wait_reasons
from models_store.jobs.jobs import get_row
from models_store.records import checkpoints, events

Transitions = Mapping[JobState, JobState]
"""New state by old state."""
WITHOUT_WORKER = (JobState.QUEUED, JobState.PAUSED)
CANCEL: Transitions = {
    JobState.QUEUED: JobState.CANCELLED,
    JobState.PAUSED: JobState.CANCELLED,
    JobState.RUNNING: JobState.CANCELLING,
    JobState.PAUSING: JobState.CANCELLING,
}
PAUSE: Transitions = {JobState.QUEUED: JobState.PAUSED, JobState.RUNNING: JobState.PAUSING}
RESUME: Transitions = {JobState.PAUSED: JobState.QUEUED}


def cancel(connection: Connection, owner: str, job_id: str, reason: str = events.REQUESTED) -> None:
    """Cancels a job at once if no worker runs it; else requests it of the worker.

    Args:
        connection: A transaction.
        owner: The owner of the job.
        job_id: The job's id.
        reason: Why the state changes.

    Raises:
        NotFound: The owner has no job with this id.
        Conflict: The job has succeeded or failed.
    """
    ended_at = case((jobs.c.state.in_(WITHOUT_WORKER), datetime.now(UTC)), else_=None)
    state = _change_state(connection, owner, job_id, CANCEL, {"finished_at": ended_at}, reason)
    if state is JobState.CANCELLED:
        checkpoints.end(connection, job_id)
    elif state is None:
        state = get_row(connection, owner, job_id).state
        if state in (JobState.SUCCEEDED, JobState.FAILED):
            raise Conflict(f"The job has {state} already.")


def pause(connection: Connection, owner: str, job_id: str) -> None:
    """Pauses a queued job at once; requests it of the worker if the job is running.

    Raises:
        NotFound: The owner has no job with this id.
        Conflict: The job has ended or is being cancelled.
    """
    if _change_state(connection, owner, job_id, PAUSE) is None:
        _refuse_if_ending(get_row(connection, owner, job_id).state)


def resume(connection: Connection, owner: str, job_id: str) -> None:
    """Queues a paused job; it resumes from its checkpoint.

    Raises:
        NotFound: The owner has no job with this id.
        Conflict: The job has ended, or is being cancelled or paused.
    """
    row = get_row(connection, owner, job_id)
    _refuse_if_ending(row.state)
    if row.state == JobState.PAUSING:
        raise Conflict("The job is about to be paused; resume it once it is.", retry_after=1)
    queued = {**fair_turns.assign_turns(connection, owner, row.rank, row.device), "retry_at": 0}
    if _change_state(connection, owner, job_id, RESUME, queued) is not None:
        wait_reasons.set_reason(connection, job_id)


def finish(connection: Connection, owner: str, job_id: str) -> None:
    """Asks the worker of a running training to end it and to keep what it has.

    Raises:
        NotFound: The owner has no job with this id.
        Conflict: The job does not run, or trains nothing.
    """
    runs = jobs.c.kind == "train", jobs.c.state == JobState.RUNNING.value
    statement = (
        update(jobs)
        .where(jobs.c.owner == owner, jobs.c.id == job_id, *runs, jobs.c.finish_asked.is_(False))
        .values(finish_asked=True, version=jobs.c.version + 1)
    )
    if not connection.execute(statement).rowcount:
        _refuse_to_finish(get_row(connection, owner, job_id))


def _refuse_to_finish(row: Row[Any]) -> None:
    """Refuses to finish a job, unless its client has asked before."""
    state = JobState(row.state)
    if row.kind != "train":
        raise Conflict(f"A job of the kind `{row.kind}` trains nothing. It can be cancelled.")
    if row.finish_asked and state in (JobState.RUNNING, JobState.SUCCEEDED):
        return
    if state is JobState.QUEUED:
        detail = "The job is queued and has trained nothing in this attempt: finish it once it "
        raise Conflict(f"{detail}runs, or cancel it.", retry_after=1)
    if state in (JobState.PAUSED, JobState.PAUSING):
        raise Conflict(f"The job is {state}: resume it first, and finish it once it runs.")
    _refuse_if_ending(state)


def _change_state(
    connection: Connection,
    owner: str,
    job_id: str,
    changes: Transitions,
    values: Mapping[str, Any] | None = None,
    reason: str = events.REQUESTED,
) -> JobState | None:
    """Changes the state. Returns the new one; None if `changes` has no entry for the old one."""
    states = {before.value: after.value for before, after in changes.items()}
    statement = (
        update(jobs)
        .where(jobs.c.owner == owner, jobs.c.id == job_id, jobs.c.state.in_(states))
        .values(
            state=case(states, value=jobs.c.state),
            waiting=None,
            version=jobs.c.version + 1,
            **(values or {}),
        )
        .returning(jobs.c.state)
    )
    changed = connection.execute(statement).scalar_one_or_none()
    if changed is None:
        return None
    events.add_state(connection, owner, job_id, JobState(changed), reason)
    return JobState(changed)


def _refuse_if_ending(state: JobState) -> None:
    if state == JobState.CANCELLING:
        raise Conflict("The job is being cancelled.")
    if JobState(state).is_terminal:
        raise Conflict(f"The job has ended already: it is {state}.")
