"""What an owner may do to a job's course: cancel it, pause it, let it go on."""

from datetime import UTC, datetime

from sqlalchemy import Connection, case, update

from domain.errors import Conflict
from domain.job import JobState
from models_store import checkpoints, events, turns, waiting
from models_store.jobs import get_row
from models_store.tables import jobs


def cancel(connection: Connection, owner: str, job_id: str) -> None:
    """Asks a job to end: at once where nobody holds it, else through its worker.

    Raises:
        NotFound: the owner has none of this id.
        Conflict: it has succeeded or failed.
    """
    at_rest = jobs.c.state.in_([JobState.QUEUED, JobState.PAUSED])
    statement = (
        update(jobs)
        .where(jobs.c.owner == owner, jobs.c.id == job_id)
        .where(at_rest | jobs.c.state.in_([JobState.RUNNING, JobState.PAUSING]))
        .values(
            state=case((at_rest, JobState.CANCELLED.value), else_=JobState.CANCELLING.value),
            finished_at=case((at_rest, datetime.now(UTC)), else_=None),
            waiting=None,
            version=jobs.c.version + 1,
        )
        .returning(jobs.c.state)
    )
    changed = connection.execute(statement).scalar_one_or_none()
    if changed is not None:
        if changed == JobState.CANCELLED:
            checkpoints.drop(connection, job_id)
        events.add_state(connection, owner, job_id, JobState(changed), events.ASKED)
        return
    state = get_row(connection, owner, job_id).state
    if state in (JobState.SUCCEEDED, JobState.FAILED):
        raise Conflict(f"The job has {state} already.")


def pause(connection: Connection, owner: str, job_id: str) -> None:
    """Asks a job to rest: at once where it is queued, else once its worker has a checkpoint.

    Raises:
        NotFound: the owner has none of this id.
        Conflict: it has ended, or is about to.
    """
    queued = jobs.c.state == JobState.QUEUED
    statement = (
        update(jobs)
        .where(jobs.c.owner == owner, jobs.c.id == job_id)
        .where(queued | (jobs.c.state == JobState.RUNNING))
        .values(
            state=case((queued, JobState.PAUSED.value), else_=JobState.PAUSING.value),
            waiting=None,
            version=jobs.c.version + 1,
        )
        .returning(jobs.c.state)
    )
    changed = connection.execute(statement).scalar_one_or_none()
    if changed is not None:
        events.add_state(connection, owner, job_id, JobState(changed), events.ASKED)
        return
    _refuse_if_ending(get_row(connection, owner, job_id).state)


def resume(connection: Connection, owner: str, job_id: str) -> None:
    """Queues a paused job again, to go on from its checkpoint.

    Raises:
        NotFound: the owner has none of this id.
        Conflict: it has ended, is about to, or is not paused yet.
    """
    row = get_row(connection, owner, job_id)
    _refuse_if_ending(row.state)
    if row.state == JobState.PAUSING:
        raise Conflict("The job is about to be paused; resume it once it is.", retry_after=1)
    statement = (
        update(jobs)
        .where(jobs.c.owner == owner, jobs.c.id == job_id, jobs.c.state == JobState.PAUSED)
        .values(
            state=JobState.QUEUED.value,
            **turns.taken(connection, owner, row.rank, row.device),
            retry_at=0,
            version=jobs.c.version + 1,
        )
        .returning(jobs.c.id)
    )
    if connection.execute(statement).first() is not None:
        events.add_state(connection, owner, job_id, JobState.QUEUED, events.ASKED)
        waiting.tell(connection, job_id)


def _refuse_if_ending(state: JobState) -> None:
    if state == JobState.CANCELLING:
        raise Conflict("The job is being cancelled.")
    if JobState(state).is_terminal:
        raise Conflict(f"The job has ended already: it is {state}.")
