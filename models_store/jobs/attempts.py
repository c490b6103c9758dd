"""Updates of a running job by its worker, each with the fence of the claim."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, case, select

from domain.job.job import Epoch, JobError, JobState, Progress
from domain.job.outcome import Outcome
from domain.metric_values import Metrics
from models_store.database.tables import jobs
from models_store.jobs import outcomes
from models_store.jobs.claims import Claim
from models_store.jobs.leases import hand_back, update_leased
from models_store.records import checkpoints, epochs, events, job_parts, kept_checkpoints
from models_store.records.checkpoints import Checkpoint
from models_store.records.job_parts import JobPart
from models_store.records.kept_checkpoints import NewCheckpoint


def start(connection: Connection, claim: Claim, environment: dict[str, Any]) -> None:
    """Records the environment in which a job starts, or starts again, without a checkpoint."""
    values = {"environment": environment, "environment_key": None, "bit_exact": None}
    update_leased(connection, claim, values)


def mark_inexact(connection: Connection, claim: Claim, reason: str) -> None:
    """Records that a job resumed in another environment; from now on any worker may resume it."""
    update_leased(connection, claim, {"bit_exact": False, "environment_key": None})
    warn(connection, claim, reason)


def update_progress(
    connection: Connection, claim: Claim, progress: Progress, metrics: Metrics
) -> None:
    """Records how far the job has come.

    Args:
        metrics: Values by Keras's name; if empty, the previous ones stay.
    """
    values: dict[str, Any] = {"progress": progress.model_dump(mode="json")}
    update_leased(connection, claim, {**values, "metrics": metrics} if metrics else values)


def warn(connection: Connection, claim: Claim, text: str) -> None:
    """Adds a warning, unless the job has it."""
    row = connection.execute(select(jobs.c.warnings).where(jobs.c.id == claim.job_id)).one()
    if text not in row.warnings:
        update_leased(connection, claim, {"warnings": [*row.warnings, text]})
        events.add(connection, claim.owner, claim.job_id, "warning", {"detail": text})


def end_epoch(
    connection: Connection,
    claim: Claim,
    epoch: Epoch,
    progress: Progress,
    checkpoint: Checkpoint | None,
    environment_key: str | None,
) -> list[str]:
    """Records a finished epoch: its history, its event and its checkpoint.

    Args:
        environment_key: See `save_checkpoint`.

    Returns:
        As `save_checkpoint`.
    """
    update_progress(connection, claim, progress, epoch.metrics)
    if epochs.add(connection, claim.owner, claim.job_id, epoch):
        events.add(connection, claim.owner, claim.job_id, "epoch", epoch.model_dump())
    if checkpoint is None:
        return []
    return save_checkpoint(connection, claim, checkpoint, environment_key)


def save_checkpoint(
    connection: Connection, claim: Claim, checkpoint: Checkpoint, environment_key: str | None
) -> list[str]:
    """Records where the next attempt resumes, and resets the counters of retries.

    Args:
        environment_key: The key of environments in which the job resumes with the same bits;
            None if it may resume in any.

    Returns:
        The keys of files that no row names any more: checkpoints that were dropped before it.
    """
    _note_advance(connection, claim, environment_key)
    checkpoints.replace(connection, claim.owner, claim.job_id, checkpoint)
    return kept_checkpoints.delete_dropped(connection, claim.job_id, checkpoint.epoch)


def save_part(
    connection: Connection, claim: Claim, part: JobPart, environment_key: str | None
) -> None:
    """Records rows that a `predict` job has computed; see `save_checkpoint`."""
    _note_advance(connection, claim, environment_key)
    job_parts.add(connection, claim.owner, claim.job_id, part)


def _note_advance(connection: Connection, claim: Claim, environment_key: str | None) -> None:
    values = {"losses": 0, "deaths": 0, "setbacks": 0, "environment_key": environment_key}
    update_leased(connection, claim, values, quiet=True)


def keep(
    connection: Connection, claim: Claim, made: NewCheckpoint, dropped: tuple[int, ...]
) -> None:
    """Records a checkpoint that the job keeps, and the epochs that it no longer keeps.

    The transaction must end the epoch as well, which checks the fence.
    """
    kept_checkpoints.add(connection, claim.owner, claim.job_id, made)
    kept_checkpoints.drop(connection, claim.job_id, dropped, made.epoch)


def restart(connection: Connection, claim: Claim) -> None:
    """Queues a job whose checkpoint is lost and resets its progress.

    Raises:
        LeaseLost: Another attempt owns the job; nothing was written.
    """
    checkpoints.delete(connection, claim.job_id)
    values = {"progress": _reset_progress(connection, claim), "metrics": {}}
    hand_back(connection, claim, "its checkpoint is lost: it starts again", values)


def _reset_progress(connection: Connection, claim: Claim) -> dict[str, Any]:
    row = connection.execute(select(jobs.c.progress).where(jobs.c.id == claim.job_id)).one()
    reset = {
        "epoch": claim.initial_epoch,
        "step": 0,
        "fraction": 0.0,
        "seconds_remaining": None,
        "updated_at": datetime.now(UTC),
    }
    progress = Progress.model_validate(row.progress).model_copy(update=reset)
    return progress.model_dump(mode="json")


def succeed(connection: Connection, claim: Claim, progress: Progress, outcome: Outcome) -> None:
    """Stores the outcome and ends the job, in the same transaction.

    Raises:
        LeaseLost: Another attempt owns the job; nothing was written.
    """
    values = {
        **outcomes.store(connection, claim, outcome),
        "progress": progress.model_dump(mode="json"),
        "bit_exact": case((jobs.c.bit_exact.is_(False), False), else_=claim.deterministic),
    }
    _finish(connection, claim, JobState.SUCCEEDED, "finished", values)


def fail(connection: Connection, claim: Claim, error: JobError) -> None:
    """Ends the job with an error; a job that is being cancelled ends cancelled instead."""
    if update_leased(connection, claim, {}, quiet=True) is JobState.CANCELLING:
        cancel(connection, claim)
    else:
        values = {"error": error.model_dump(mode="json")}
        _finish(connection, claim, JobState.FAILED, error.title, values)


def cancel(connection: Connection, claim: Claim) -> None:
    """Ends the job as its owner requested."""
    _finish(connection, claim, JobState.CANCELLED, events.REQUESTED, {})


def _finish(
    connection: Connection, claim: Claim, state: JobState, reason: str, values: dict[str, Any]
) -> None:
    checkpoints.end(connection, claim.job_id)
    ended = {
        "state": state.value,
        "finished_at": datetime.now(UTC),
        "lease_until": None,
        "worker": None,
    }
    update_leased(connection, claim, {**values, **ended})
    events.add_state(connection, claim.owner, claim.job_id, state, reason)
