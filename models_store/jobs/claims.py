"""Claims: a worker takes the first queued job that it can run."""

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from domain.job.job import JobState, Resources
from domain.job.plan import ImportPlan, Plan
from domain.job.recipe import Fit
from domain.job.resources import Capacity
from models_store.database.tables import jobs
from models_store.database.types import UtcDateTime, database_clock
from models_store.jobs.fair_turns import QUEUED, is_queued_for, turn_column
from models_store.jobs.matching import matches_environment, matches_gpus, matches_memory
from models_store.records import checkpoints, epochs, events, job_parts, kept_checkpoints
from models_store.records.checkpoints import Checkpoint
from models_store.records.job_parts import JobPart


@dataclass(frozen=True)
class Claim:
    """One attempt at a job; each of its updates is fenced."""

    job_id: str
    owner: str
    fence: int
    attempt: int
    kind: str
    name: str | None
    seed: int
    seconds_used: float
    """Seconds of earlier attempts, up to the last renewal of a lease that was lost."""
    environment: dict[str, Any] | None
    """The environment of the first attempt; None before it."""
    environment_key: str | None
    """The environment in which its checkpoint resumes bit for bit; None allows any."""
    checkpoint: Checkpoint | None
    request_json: str
    plan_json: str
    parts: tuple[JobPart, ...] = ()
    """The rows that earlier attempts of a `predict` job have computed."""
    began: float = field(default_factory=time.monotonic)
    """Time of the claim on this machine's monotonic clock, in seconds."""

    @property
    def folder(self) -> PurePosixPath:
        """The folder of this attempt's files."""
        return PurePosixPath("jobs", self.job_id, str(self.fence))

    @cached_property
    def plan(self) -> Plan:
        """The plan, parsed at the first use, after the transaction of the claim."""
        return Plan.model_validate_json(self.plan_json)

    @cached_property
    def import_plan(self) -> ImportPlan:
        """The plan of an `import` job."""
        return ImportPlan.model_validate_json(self.plan_json)

    @property
    def epochs(self) -> int:
        """Number of epochs; 0 for a job that trains nothing."""
        return self.fit.epochs if self.kind == "train" else 0

    @property
    def initial_epoch(self) -> int:
        """Number of epochs that the job leaves out."""
        return self.fit.initial_epoch if self.kind == "train" else 0

    @cached_property
    def _request(self) -> dict[str, Any]:
        request: dict[str, Any] = json.loads(self.request_json)
        return request

    @cached_property
    def fit(self) -> Fit:
        """Epochs, batches and callbacks."""
        return Fit.model_validate(self._request.get("fit", {}))

    @property
    def deterministic(self) -> bool:
        """Whether an equal environment must give equal bits."""
        return bool(self._request.get("deterministic", True))

    @property
    def mixed_precision(self) -> bool:
        """Whether it trains with a mixed-precision dtype policy of Keras."""
        return bool(self._request.get("mixed_precision", False))

    @property
    def resources(self) -> Resources:
        """The resources that the request needs."""
        return Resources.model_validate(self._request.get("resources", {}))

    @property
    def seconds_limit(self) -> float | None:
        """The time limit of the job's own request, in seconds; None without one."""
        limit: float | None = (self._request.get("limits") or {}).get("seconds")
        return limit

    def count_seconds(self) -> float:
        """Returns the running time of all attempts until now, in seconds.

        It is measured by monotonic clocks, so that a change of a wall clock does not alter it.
        """
        return self.seconds_used + time.monotonic() - self.began


def claim(
    connection: Connection,
    worker: str,
    capacity: Capacity,
    lease_seconds: float,
    anywhere_seconds: float,
) -> Claim | None:
    """Claims the best queued job that fits the worker; None if there is none.

    The order is the priority, then the turns of owners, then the age.

    Args:
        worker: The id of the worker.
        capacity: The capacity of the worker.
        lease_seconds: Length of the lease.
        anywhere_seconds: How long a job with a checkpoint waits for an equal environment.
    """
    statement = _claim_statement(capacity, lease_seconds, anywhere_seconds)
    row = connection.execute(statement, {"by": worker, "now": datetime.now(UTC)}).one_or_none()
    if row is None:
        return None
    reason = "claimed by a worker" if row.attempt == 1 else f"attempt {row.attempt}"
    events.add_state(connection, row.owner, row.id, JobState.RUNNING, reason)
    if row.attempt == 1:
        return _make_claim(row, None, ())
    checkpoint = _get_checkpoint(connection, row.id)
    return _make_claim(row, checkpoint, tuple(job_parts.list_parts(connection, row.id)))


@lru_cache(maxsize=8)
def _claim_statement(
    capacity: Capacity, lease_seconds: float, anywhere_seconds: float
) -> ReturningUpdate[Any]:
    """Builds the statement, once per process, since building it takes longer than running it."""
    best = _select_best(capacity, anywhere_seconds)
    best = best.with_for_update(skip_locked=True)  # SQLite ignores it
    values = {
        "state": JobState.RUNNING.value,
        "fence": jobs.c.fence + 1,
        "attempt": jobs.c.attempt + 1,
        "lease_until": database_clock() + lease_seconds,
        "claimed_at": database_clock(),
        "claimed_on": capacity.device,
        "worker": bindparam("by"),
        "waiting": None,
        "started_at": func.coalesce(jobs.c.started_at, bindparam("now", type_=UtcDateTime)),
        "version": jobs.c.version + 1,
    }
    statement = update(jobs).where(jobs.c.id == best.scalar_subquery(), QUEUED)
    return statement.values(values).returning(*_CLAIM_COLUMNS)


_CLAIM_COLUMNS = (
    *(jobs.c[name] for name in ("id", "owner", "fence", "attempt", "kind", "name", "seed")),
    jobs.c.seconds_used,
    jobs.c.environment,
    jobs.c.environment_key,
    type_coerce(jobs.c.request, Text).label("request"),
    type_coerce(jobs.c.plan, Text).label("plan"),
)


@lru_cache(maxsize=8)
def _select_best(capacity: Capacity, anywhere_seconds: float) -> Select[Any]:
    return (
        select(jobs.c.id)
        .where(
            is_queued_for(capacity.device),
            matches_gpus(capacity),
            matches_memory(capacity),
            matches_environment(capacity, anywhere_seconds),
            jobs.c.retry_at <= database_clock(),
        )
        .order_by(jobs.c.rank, turn_column(capacity.device), jobs.c.id)
        .limit(literal_column("1"))  # with a parameter, PostgreSQL plans each claim again
    )


def _make_claim(row: Row[Any], checkpoint: Checkpoint | None, parts: tuple[JobPart, ...]) -> Claim:
    return Claim(
        job_id=row.id,
        owner=row.owner,
        fence=row.fence,
        attempt=row.attempt,
        kind=row.kind,
        name=row.name,
        seed=row.seed,
        seconds_used=row.seconds_used,
        environment=row.environment,
        environment_key=row.environment_key,
        checkpoint=checkpoint,
        request_json=row.request,
        plan_json=row.plan,
        parts=parts,
    )


def _get_checkpoint(connection: Connection, job_id: str) -> Checkpoint | None:
    """Gets the checkpoint of an earlier attempt, and deletes the epochs after it."""
    checkpoint = checkpoints.get(connection, job_id)
    epoch = checkpoint.epoch if checkpoint else 0
    epochs.delete_after(connection, job_id, epoch)
    kept_checkpoints.rewind(connection, job_id, epoch)
    return checkpoint


def is_any_claimable(connection: Connection, capacity: Capacity, anywhere_seconds: float) -> bool:
    """Whether there is a job to claim; takes no write lock."""
    return connection.execute(_select_best(capacity, anywhere_seconds)).first() is not None
