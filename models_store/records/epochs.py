"""The finished epochs of a job."""

from sqlalchemy import Connection, delete, insert, select

from domain.job.job import Epoch
from models_store.database.tables import epochs


def get_all(connection: Connection, owner: str, job_id: str) -> list[Epoch]:
    """Gets all finished epochs, in order."""
    query = (
        select(epochs)
        .where(epochs.c.owner == owner, epochs.c.job_id == job_id)
        .order_by(epochs.c.epoch)
    )
    return [
        Epoch(epoch=row.epoch, seconds=row.seconds, metrics=row.metrics)
        for row in connection.execute(query)
    ]


def add(connection: Connection, owner: str, job_id: str, epoch: Epoch) -> bool:
    """Inserts an epoch, unless it is stored. Returns whether it was inserted.

    The worker repeats a transaction whose answer it did not receive.
    """
    stored = select(epochs.c.epoch).where(epochs.c.job_id == job_id, epochs.c.epoch == epoch.epoch)
    if connection.execute(stored).first() is not None:
        return False
    values = {**epoch.model_dump(), "owner": owner, "job_id": job_id}
    connection.execute(insert(epochs).values(values))
    return True


def delete_after(connection: Connection, job_id: str, epoch: int) -> None:
    """Deletes the epochs after a checkpoint, which the next attempt trains again."""
    connection.execute(delete(epochs).where(epochs.c.job_id == job_id, epochs.c.epoch > epoch))
