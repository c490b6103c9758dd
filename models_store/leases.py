"""Who may work on a job: claims, leases and fences, by the database's clock alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, update

from domain.errors import LeaseLost
from domain.job import JobError, JobState
from domain.plan import Plan
from domain.recipe import Fit
from models_store import events, history
from models_store.columns import database_clock
from models_store.tables import checkpoints, jobs, models

HELD = (JobState.RUNNING.value, JobState.CANCELLING.value)


@dataclass(frozen=True)
class Checkpoint:
    """A committed state of training to go on from."""

    epoch: int
    artifact: str
    sha256: str


@dataclass(frozen=True)
class Claim:
    """One attempt at a job: every write of it names the fence."""

    job_id: str
    owner: str
    fence: int
    attempt: int
    kind: str
    name: str | None
    plan: Plan
    fit: Fit
    seed: int
    deterministic: bool
    seconds_left: float | None
    """Of the job's own limit; None without one."""
    checkpoint: Checkpoint | None

    @property
    def folder(self) -> PurePosixPath:
        """Where this attempt's files go."""
        return PurePosixPath("jobs", self.job_id, str(self.fence))


def claim(connection: Connection, worker: str, lease_seconds: float) -> Claim | None:
    """Takes the best queued job, or None: highest priority first, then the oldest."""
    statement = (
        update(jobs)
        .where(jobs.c.id == _best().scalar_subquery(), jobs.c.state == JobState.QUEUED)
        .values(
            state=JobState.RUNNING.value,
            fence=jobs.c.fence + 1,
            attempt=jobs.c.attempt + 1,
            lease_until=database_clock() + lease_seconds,
            claimed_at=database_clock(),
            worker=worker,
            started_at=func.coalesce(jobs.c.started_at, datetime.now(UTC)),
            version=jobs.c.version + 1,
        )
        .returning(jobs)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    reason = "claimed by a worker" if row.attempt == 1 else f"attempt {row.attempt}"
    events.add_state(connection, row.owner, row.id, JobState.RUNNING, reason)
    checkpoint = _checkpoint(connection, row.id)
    history.cut_after(connection, row.id, checkpoint.epoch if checkpoint else 0)
    return _claimed(row, checkpoint)


def _best() -> Select[Any]:
    return (
        select(jobs.c.id)
        .where(jobs.c.state == JobState.QUEUED)
        .order_by(jobs.c.rank, jobs.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite leaves this out: its writers queue
    )


def _claimed(row: Row[Any], checkpoint: Checkpoint | None) -> Claim:
    limit = (row.request.get("limits") or {}).get("seconds")
    return Claim(
        job_id=row.id,
        owner=row.owner,
        fence=row.fence,
        attempt=row.attempt,
        kind=row.kind,
        name=row.name,
        plan=Plan.model_validate(row.plan),
        fit=Fit.model_validate(row.request.get("fit", {})),
        seed=row.seed,
        deterministic=row.request.get("deterministic", True),
        seconds_left=None if limit is None else limit - row.seconds_used,
        checkpoint=checkpoint,
    )


def _checkpoint(connection: Connection, job_id: str) -> Checkpoint | None:
    query = select(checkpoints).where(checkpoints.c.job_id == job_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else Checkpoint(row.epoch, row.artifact, row.sha256)


def renew(connection: Connection, claim: Claim, lease_seconds: float) -> JobState:
    """Holds the job for another lease; gives its state, so a cancel is seen.

    Raises:
        LeaseLost: another attempt owns the job, or it was taken back.
    """
    values = {"lease_until": database_clock() + lease_seconds}
    return guarded(connection, claim, values, quiet=True)


def guarded(
    connection: Connection, claim: Claim, values: dict[str, Any], *, quiet: bool = False
) -> JobState:
    """Writes to a held job's row under its fence, and gives its state.

    Args:
        quiet: The change is none that a client sees: the row's version stays.

    Raises:
        LeaseLost: no row has this fence any more; nothing was written.
    """
    values = {**values, "version": jobs.c.version + (0 if quiet else 1)}
    statement = (
        update(jobs)
        .where(jobs.c.id == claim.job_id, jobs.c.fence == claim.fence, jobs.c.state.in_(HELD))
        .values(values)
        .returning(jobs.c.state)
    )
    state = connection.execute(statement).scalar_one_or_none()
    if state is None:
        raise LeaseLost(f"The lease of '{claim.job_id}' is lost.")
    return JobState(state)


def hand_back(connection: Connection, claim: Claim, reason: str, *, died: bool = False) -> None:
    """Queues the job again, to go on from its last checkpoint; a cancelled one ends.

    Args:
        died: Its training process was killed, which counts towards its end.

    Raises:
        LeaseLost: it is not this attempt's any more.
    """
    values = {**_released(), "deaths": jobs.c.deaths + 1 if died else jobs.c.deaths}
    state = guarded(connection, claim, values)
    _let_go(connection, claim.job_id, claim.owner, state, reason)


def _released() -> dict[str, Any]:
    """The columns of a job that nobody holds."""
    return {
        "lease_until": None,
        "worker": None,
        "seconds_used": jobs.c.seconds_used + database_clock() - jobs.c.claimed_at,
    }


def _let_go(connection: Connection, job_id: str, owner: str, state: JobState, reason: str) -> None:
    if state is JobState.CANCELLING:
        after, values = JobState.CANCELLED, {"finished_at": datetime.now(UTC)}
        reason = "asked by the client"
    else:
        after, values = JobState.QUEUED, {}
    statement = update(jobs).where(jobs.c.id == job_id).values(state=after.value, **values)
    connection.execute(statement)
    events.add_state(connection, owner, job_id, after, reason)


def expire(connection: Connection, max_attempts: int) -> int:
    """Takes back every job whose lease has run out; gives how many are queued again."""
    statement = (
        update(jobs)
        .where(*_expired())
        .values(**_released(), version=jobs.c.version + 1)
        .returning(jobs.c.id, jobs.c.owner, jobs.c.state, jobs.c.attempt)
    )
    rows: Sequence[Row[Any]] = connection.execute(statement).all()
    requeued = 0
    for row in rows:
        if row.attempt >= max_attempts and row.state == JobState.RUNNING:
            _give_up(connection, row.id, row.owner, row.attempt)
        else:
            reason = "its worker was lost"
            _let_go(connection, row.id, row.owner, JobState(row.state), reason)
            requeued += row.state == JobState.RUNNING
    return requeued


def _give_up(connection: Connection, job_id: str, owner: str, attempts: int) -> None:
    error = JobError(
        type="worker-lost",
        title="The worker was lost",
        detail=f"The job's worker was lost {attempts} times.",
        category="infrastructure",
    )
    statement = (
        update(jobs)
        .where(jobs.c.id == job_id)
        .values(
            state=JobState.FAILED.value,
            error=error.model_dump(mode="json"),
            finished_at=datetime.now(UTC),
        )
    )
    connection.execute(statement)
    events.add_state(connection, owner, job_id, JobState.FAILED, error.title)


def named_folders(connection: Connection, job_id: str) -> set[str]:
    """The attempts' folders of a job that a checkpoint or a model names."""
    kept = select(checkpoints.c.artifact).where(checkpoints.c.job_id == job_id)
    made = select(models.c.folder).where(models.c.job_id == job_id)
    folders = {str(PurePosixPath(key).parent) for key in connection.execute(kept).scalars()}
    return folders | set(connection.execute(made).scalars())


def is_any_queued(connection: Connection) -> bool:
    """Whether a claim is worth a write lock."""
    query = select(jobs.c.id).where(jobs.c.state == JobState.QUEUED).limit(1)
    return connection.execute(query).first() is not None


def is_any_expired(connection: Connection) -> bool:
    """Whether there is anything to take back."""
    query = select(jobs.c.id).where(*_expired()).limit(1)
    return connection.execute(query).first() is not None


def _expired() -> tuple[ColumnElement[bool], ...]:
    return jobs.c.state.in_(HELD), jobs.c.lease_until < database_clock()
