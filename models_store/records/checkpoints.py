"""The last committed state of each training that is under way."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from models_store.database.tables import checkpoints


@dataclass(frozen=True)
class Checkpoint:
    """A state of training to go on from."""

    epoch: int
    """Finished epochs."""
    step: int
    """Of the next epoch: how many are finished."""
    artifact: str
    sha256: str


def of(connection: Connection, job_id: str) -> Checkpoint | None:
    """The job's last one."""
    query = select(checkpoints).where(checkpoints.c.job_id == job_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else Checkpoint(row.epoch, row.step, row.artifact, row.sha256)


def replace(connection: Connection, owner: str, job_id: str, checkpoint: Checkpoint) -> None:
    """Makes this the job's last one."""
    drop(connection, job_id)
    values = {
        "job_id": job_id,
        "owner": owner,
        "epoch": checkpoint.epoch,
        "step": checkpoint.step,
        "artifact": checkpoint.artifact,
        "sha256": checkpoint.sha256,
    }
    connection.execute(insert(checkpoints).values(values))


def drop(connection: Connection, job_id: str) -> None:
    """Forgets it; its file is named by nothing any more."""
    connection.execute(delete(checkpoints).where(checkpoints.c.job_id == job_id))
