"""The rows that `predict` jobs have computed, until the jobs end."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select
from sqlalchemy import delete as sql_delete

from models_store.database.tables import job_parts


@dataclass(frozen=True)
class JobPart:
    """The outputs of some consecutive batches."""

    start: int
    """The first batch, from 0."""
    stop: int
    """The batch after the last."""
    bytes: int
    sha256: str
    artifact: str
    """The key of its file in the artifact store."""


def list_parts(connection: Connection, job_id: str) -> list[JobPart]:
    """Lists the parts of a job in their order."""
    query = select(job_parts).where(job_parts.c.job_id == job_id).order_by(job_parts.c.start)
    return [
        JobPart(row.start, row.stop, row.bytes, row.sha256, row.artifact)
        for row in connection.execute(query)
    ]


def add(connection: Connection, owner: str, job_id: str, part: JobPart) -> None:
    """Adds a part; does nothing if the job has it."""
    if part not in list_parts(connection, job_id):
        values = {**vars(part), "job_id": job_id, "owner": owner}
        connection.execute(insert(job_parts).values(**values))


def delete(connection: Connection, job_id: str) -> None:
    """Deletes the rows of all parts of a job; the next sweep deletes their files."""
    connection.execute(sql_delete(job_parts).where(job_parts.c.job_id == job_id))
