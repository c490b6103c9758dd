"""The finished epochs of a job."""

from sqlalchemy import Connection, delete, insert, select

from domain.job.job import Epoch
from models_store.database.tables import epochs


def of(connection: Connection, owner: str, job_id: str) -> list[Epoch]:
    """Every finished epoch, in order."""
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
    """Keeps one more epoch; gives whether it was not kept already.

    A transaction whose answer got lost is written again.
    """
    kept = select(epochs.c.epoch).where(epochs.c.job_id == job_id, epochs.c.epoch == epoch.epoch)
    if connection.execute(kept).first() is not None:
        return False
    values = {**epoch.model_dump(), "owner": owner, "job_id": job_id}
    connection.execute(insert(epochs).values(values))
    return True


def cut_after(connection: Connection, job_id: str, epoch: int) -> None:
    """Forgets epochs later than the checkpoint that a new attempt goes on from."""
    connection.execute(delete(epochs).where(epochs.c.job_id == job_id, epochs.c.epoch > epoch))
