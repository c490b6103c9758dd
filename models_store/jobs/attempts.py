"""What the worker that holds a job writes of it, always under the claim's fence."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, case, select

from domain.job.job import Epoch, JobError, JobState, Progress
from domain.model import FileLeftOut, ModelFile
from models_store.database.tables import jobs
from models_store.jobs.claims import Claim
from models_store.jobs.leases import guarded, hand_back
from models_store.records import checkpoints, epochs, events, models
from models_store.records.checkpoints import Checkpoint


def started(connection: Connection, claim: Claim, environment: dict[str, Any]) -> None:
    """Records where the job begins, or begins anew: attempts that go on from there keep it."""
    values = {"environment": environment, "environment_key": None, "bit_exact": None}
    guarded(connection, claim, values)


def inexact(connection: Connection, claim: Claim, reason: str) -> None:
    """The job goes on in another environment; from now on it may do so in any."""
    guarded(connection, claim, {"bit_exact": False, "environment_key": None})
    warned(connection, claim, reason)


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
    environment_key: str | None,
) -> None:
    """The epoch's history row, its event and its checkpoint, together."""
    progressed(connection, claim, progress, epoch.metrics)
    if epochs.add(connection, claim.owner, claim.job_id, epoch):
        events.add(connection, claim.owner, claim.job_id, "epoch", epoch.model_dump())
    if checkpoint is not None:
        checkpointed(connection, claim, checkpoint, environment_key)


def checkpointed(
    connection: Connection, claim: Claim, checkpoint: Checkpoint, environment_key: str | None
) -> None:
    """From here the job goes on, whatever happens; what was lost before counts no more.

    Args:
        environment_key: Where it goes on with the same bits; None where that is no matter.
    """
    values = {"losses": 0, "deaths": 0, "setbacks": 0, "environment_key": environment_key}
    guarded(connection, claim, values, quiet=True)
    checkpoints.replace(connection, claim.owner, claim.job_id, checkpoint)


def begin_anew(connection: Connection, claim: Claim) -> None:
    """Queues a job whose checkpoint is lost, to be done from its start."""
    checkpoints.drop(connection, claim.job_id)
    hand_back(connection, claim, "its checkpoint is lost: it starts again")


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
    made = models.NewModel(
        owner=claim.owner,
        job_id=claim.job_id,
        name=claim.name,
        graph_id=claim.plan.graph_id,
        folder=claim.folder,
        blueprint=claim.plan.blueprint,
        summary=claim.plan.summary,
    )
    model_id = models.insert(connection, made, metrics, files, files_left_out)
    values = {
        "model_id": model_id,
        "metrics": metrics,
        "progress": progress.model_dump(mode="json"),
        "bit_exact": case((jobs.c.bit_exact.is_(False), False), else_=claim.deterministic),
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
    _finish(connection, claim, JobState.CANCELLED, events.ASKED, {})


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
