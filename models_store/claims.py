"""Claims: how a worker takes the best queued job, and what it then knows of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from domain.job import JobState, Resources
from domain.plan import Plan
from domain.recipe import Fit
from models_store import checkpoints, events, history
from models_store.checkpoints import Checkpoint
from models_store.columns import database_clock
from models_store.tables import jobs


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
    mixed_precision: bool
    resources: Resources
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
    checkpoint = checkpoints.of(connection, row.id)
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
        mixed_precision=row.request.get("mixed_precision", False),
        resources=Resources.model_validate(row.request.get("resources", {})),
        seconds_left=None if limit is None else limit - row.seconds_used,
        checkpoint=checkpoint,
    )


def is_any_queued(connection: Connection) -> bool:
    """Whether a claim is worth a write lock."""
    query = select(jobs.c.id).where(jobs.c.state == JobState.QUEUED).limit(1)
    return connection.execute(query).first() is not None
