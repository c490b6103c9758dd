"""The last checkpoint of each job that has not ended."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select
from sqlalchemy import delete as sql_delete

from models_store.database.tables import checkpoints
from models_store.records import job_parts, kept_checkpoints


@dataclass(frozen=True)
class Checkpoint:
    """A state of training from which a job resumes."""

    epoch: int
    """Finished epochs."""
    step: int
    """Finished steps of the next epoch."""
    artifact: str
    sha256: str


def get(connection: Connection, job_id: str) -> Checkpoint | None:
    """Gets the last checkpoint of a job; None if there is none."""
    query = select(checkpoints).where(checkpoints.c.job_id == job_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else Checkpoint(row.epoch, row.step, row.artifact, row.sha256)


def replace(connection: Connection, owner: str, job_id: str, checkpoint: Checkpoint) -> None:
    """Replaces the checkpoint of a job."""
    delete(connection, job_id)
    values = {
        "job_id": job_id,
        "owner": owner,
        "epoch": checkpoint.epoch,
        "step": checkpoint.step,
        "artifact": checkpoint.artifact,
        "sha256": checkpoint.sha256,
    }
    connection.execute(insert(checkpoints).values(values))


def end(connection: Connection, job_id: str) -> None:
    """Deletes what a job that has ended needs no more: its checkpoint, and dropped ones."""
    delete(connection, job_id)
    kept_checkpoints.delete_dropped(connection, job_id)


def delete(connection: Connection, job_id: str) -> None:
    """Deletes the rows of a checkpoint and of computed rows; the next sweep deletes their files."""
    job_parts.delete(connection, job_id)
    connection.execute(sql_delete(checkpoints).where(checkpoints.c.job_id == job_id))
