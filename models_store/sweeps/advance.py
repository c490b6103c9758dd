"""What the process that advances a sweep reads and writes."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Text, or_, select, type_coerce, update

from domain.job.job import JobState
from domain.sweeps.sweep import ACTIVE, SweepState, TrialState
from models_store.database.tables import (
    epochs,
    graphs,
    job_uses,
    jobs,
    models,
    sweeps,
    trials,
)
from models_store.database.types import database_clock
from models_store.records.uses import TERMINAL

_ACTIVE = select(sweeps.c.id).where(sweeps.c.state.in_(ACTIVE)).order_by(sweeps.c.id)
"""Built once, since each process runs it again and again."""


def is_any_active(connection: Connection) -> bool:
    """Whether a sweep of any owner has not ended."""
    return connection.execute(_ACTIVE.limit(1)).first() is not None


def hold(connection: Connection, holder: str, seconds: float) -> None:
    """Takes or renews the lease of every active sweep that no other process holds."""
    is_free = or_(sweeps.c.holder == holder, sweeps.c.lease_until < database_clock())
    free = select(sweeps.c.id).where(sweeps.c.state.in_(ACTIVE), is_free)
    statement = (
        update(sweeps)
        .where(sweeps.c.id.in_(free.with_for_update(skip_locked=True)))
        .values(holder=holder, lease_until=database_clock() + seconds)
    )
    connection.execute(statement)


def list_held(connection: Connection, holder: str) -> Sequence[Row[Any]]:
    """Lists the active sweeps that a process holds, by id."""
    held = select(sweeps).where(sweeps.c.state.in_(ACTIVE), sweeps.c.holder == holder)
    return connection.execute(held.order_by(sweeps.c.id)).all()


def lock(connection: Connection, sweep_id: str) -> Row[Any] | None:
    """Locks the row of an active sweep until the transaction ends; None if it has ended."""
    query = select(sweeps).where(sweeps.c.id == sweep_id, sweeps.c.state.in_(ACTIVE))
    return connection.execute(query.with_for_update()).one_or_none()


class RunningTrial(NamedTuple):
    """A trial whose end is not recorded yet, and its job."""

    number: int
    job_id: str
    seen: int
    attributes: dict[str, Any]
    state: JobState | None
    """The state of the job; None if it was deleted."""
    version: int | None
    model_id: str | None
    error: dict[str, Any] | None

    @property
    def has_ended(self) -> bool:
        """Whether the job has ended."""
        return self.state is None or self.state.is_terminal


def list_running(connection: Connection, sweep_id: str) -> list[RunningTrial]:
    """Lists the running trials of a sweep, by number."""
    query = (
        select(
            *(trials.c.number, trials.c.job_id, trials.c.seen, trials.c.attributes),
            *(jobs.c.state, jobs.c.version, jobs.c.model_id, jobs.c.error),
        )
        .outerjoin(jobs, jobs.c.id == trials.c.job_id)
        .where(trials.c.sweep_id == sweep_id, trials.c.state == TrialState.RUNNING)
        .order_by(trials.c.number)
    )
    return [
        RunningTrial(*row[:4], None if row.state is None else JobState(row.state), *row[5:])
        for row in connection.execute(query)
    ]


def is_any_job_left(connection: Connection, sweep_id: str) -> bool:
    """Whether the job of a trial has not ended, e.g. that of a pruned one."""
    query = select(jobs.c.id).where(jobs.c.sweep_id == sweep_id, jobs.c.state.not_in(TERMINAL))
    return connection.execute(query.limit(1)).first() is not None


def get_result(connection: Connection, model_id: str) -> tuple[dict[str, float], int | None] | None:
    """Gets the metrics of a model and the epoch of its weights; None if it was deleted."""
    query = select(models.c.metrics, models.c.epoch).where(models.c.id == model_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.metrics, row.epoch)


def get_epochs(
    connection: Connection, job_ids: Iterable[str], first: int, last: int
) -> list[tuple[str, int, dict[str, float]]]:
    """Gets the metrics of some epochs of jobs: the job, the epoch and the metrics."""
    wanted = list(job_ids)
    query = select(epochs.c.job_id, epochs.c.epoch, epochs.c.metrics).where(
        epochs.c.job_id.in_(wanted), epochs.c.epoch >= first, epochs.c.epoch <= last
    )
    rows = connection.execute(query.order_by(epochs.c.job_id, epochs.c.epoch))
    return [(row.job_id, row.epoch, row.metrics) for row in rows]


def list_surplus(connection: Connection, sweep_id: str, best: int | None) -> list[str]:
    """Lists the models of ended trials other than the best that nothing else names."""
    query = (
        select(models.c.id, models.c.owner)
        .join(jobs, jobs.c.model_id == models.c.id)
        .join(trials, trials.c.job_id == jobs.c.id)
        .where(
            trials.c.sweep_id == sweep_id,
            trials.c.state != TrialState.RUNNING,
            trials.c.number != (-1 if best is None else best),
            ~select(job_uses.c.job_id).where(job_uses.c.resource_id == models.c.id).exists(),
        )
    )
    found = connection.execute(query).all()
    return [row.id for row in found if not _is_named(connection, row.owner, row.id)]


def _is_named(connection: Connection, owner: str, model_id: str) -> bool:
    """Whether a stored graph has the model as a layer."""
    text = type_coerce(graphs.c.definition, Text)
    query = select(graphs.c.id).where(graphs.c.owner == owner, text.contains(model_id))
    return connection.execute(query.limit(1)).first() is not None


def finish(
    connection: Connection, sweep_id: str, state: SweepState, values: dict[str, Any]
) -> None:
    """Ends an active sweep."""
    ended = {"state": state, "finished_at": datetime.now(UTC), "holder": None, **values}
    connection.execute(
        update(sweeps)
        .where(sweeps.c.id == sweep_id, sweeps.c.state.in_(ACTIVE))
        .values(**ended, version=sweeps.c.version + 1)
    )
