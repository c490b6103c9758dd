"""What the worker that holds a job writes of it, always under the claim's fence."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from domain.job import Epoch, JobError, JobState, Progress
from domain.model import FileLeftOut, ModelFile
from models_store import checkpoints, events, history, models
from models_store.checkpoints import Checkpoint
from models_store.claims import Claim
from models_store.leases import guarded
from models_store.tables import jobs


def started(connection: Connection, claim: Claim, environment: dict[str, Any]) -> None:
    """Records where the job runs; the first attempt's record stays."""
    row = connection.execute(select(jobs.c.environment).where(jobs.c.id == claim.job_id)).one()
    if row.environment is None:
        guarded(connection, claim, {"environment": environment})


def progressed(
    connection: Connection, claim: Claim, progress: Progress, metrics: dict[str, float]
) -> None:
    """Shows how far the training has come."""
    values: dict[str, Any] = {"progress": progress.model_dump(mode="json")}
    guarded(connection, claim, {**values, "metrics": metrics} if metrics else values)


def warned(connection: Connection, claim: Claim, text: str) -> None:
    """Adds a warning, once."""
    row = connection.execute(select(jobs.c.warnings).where(jobs.c.id == claim.job_id)).one()
    if text not in row.warnings:
        guarded(connection, claim, {"warnings": [*row.warnings, text]})
        events.add(connection, claim.owner, claim.job_id, "warning", {"detail": text})


def epoch_ended(
    connection: Connection,
    claim: Claim,
    epoch: Epoch,
    progress: Progress,
    checkpoint: Checkpoint | None,
) -> None:
    """The epoch's history row, its event and its checkpoint, together."""
    progressed(connection, claim, progress, epoch.metrics)
    if history.add(connection, claim.owner, claim.job_id, epoch):
        events.add(connection, claim.owner, claim.job_id, "epoch", epoch.model_dump())
    if checkpoint is not None:
        checkpointed(connection, claim, checkpoint)


def checkpointed(connection: Connection, claim: Claim, checkpoint: Checkpoint) -> None:
    """From here the job goes on, whatever happens; what was lost before counts no more."""
    guarded(connection, claim, {"deaths": 0}, quiet=True)
    checkpoints.replace(connection, claim.owner, claim.job_id, checkpoint)


def deaths(connection: Connection, claim: Claim) -> int:
    """How often in a row the training process was killed without a new checkpoint."""
    query = select(jobs.c.deaths).where(jobs.c.id == claim.job_id, jobs.c.fence == claim.fence)
    return connection.execute(query).scalar_one_or_none() or 0


def succeeded(
    connection: Connection,
    claim: Claim,
    progress: Progress,
    metrics: dict[str, float],
    files: Iterable[ModelFile],
    files_left_out: Iterable[FileLeftOut],
) -> str:
    """The model, its files and the job's success, in one transaction; gives the model's id.

    Raises:
        LeaseLost: another attempt owns the job; nothing was written.
    """
    model_id = models.insert(connection, claim, metrics, files, files_left_out)
    values = {
        "model_id": model_id,
        "metrics": metrics,
        "progress": progress.model_dump(mode="json"),
        "bit_exact": claim.deterministic,
    }
    _finish(connection, claim, JobState.SUCCEEDED, "finished", values)
    return model_id


def failed(connection: Connection, claim: Claim, error: JobError) -> None:
    """The job's failure; a job that was being cancelled ends cancelled."""
    if guarded(connection, claim, {}, quiet=True) is JobState.CANCELLING:
        cancelled(connection, claim)
    else:
        values = {"error": error.model_dump(mode="json")}
        _finish(connection, claim, JobState.FAILED, error.title, values)


def cancelled(connection: Connection, claim: Claim) -> None:
    """The end the client asked for."""
    _finish(connection, claim, JobState.CANCELLED, "asked by the client", {})


def _finish(
    connection: Connection, claim: Claim, state: JobState, reason: str, values: dict[str, Any]
) -> None:
    checkpoints.drop(connection, claim.job_id)
    last = {
        "state": state.value,
        "finished_at": datetime.now(UTC),
        "lease_until": None,
        "worker": None,
    }
    guarded(connection, claim, {**values, **last})
    events.add_state(connection, claim.owner, claim.job_id, state, reason)
