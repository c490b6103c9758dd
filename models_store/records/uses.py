"""The graphs, datasets and models that jobs use; they cannot be deleted before the job ends."""

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select

from domain.errors import Conflict
from domain.job.job import JobState
from domain.sweeps.sweep import ACTIVE
from models_store.database.tables import job_uses, jobs, sweep_uses, sweeps

TERMINAL = tuple(state.value for state in JobState if state.is_terminal)


def insert_uses(
    connection: Connection, owner: str, job_id: str, resource_ids: Iterable[str]
) -> None:
    """Inserts the resources that a new job uses."""
    rows = [
        {"job_id": job_id, "resource_id": resource_id, "owner": owner}
        for resource_id in sorted(set(resource_ids))
    ]
    if rows:
        connection.execute(insert(job_uses), rows)


def refuse_if_used(connection: Connection, owner: str, resource_id: str) -> None:
    """Checks that no job that has not ended uses a resource.

    Raises:
        Conflict: A job uses it; the message names the job.
    """
    query = (
        select(jobs.c.id, jobs.c.state)
        .join(job_uses, job_uses.c.job_id == jobs.c.id)
        .where(
            job_uses.c.owner == owner,
            job_uses.c.resource_id == resource_id,
            jobs.c.state.not_in(TERMINAL),
        )
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is not None:
        raise Conflict(f"The job '{row.id}', which is {row.state}, uses '{resource_id}'.")
    _refuse_if_searched(connection, owner, resource_id)


def _refuse_if_searched(connection: Connection, owner: str, resource_id: str) -> None:
    """Checks that no sweep that has not ended uses a resource.

    Raises:
        Conflict: A sweep uses it; the message names the sweep.
    """
    query = (
        select(sweeps.c.id, sweeps.c.state)
        .join(sweep_uses, sweep_uses.c.sweep_id == sweeps.c.id)
        .where(
            sweep_uses.c.owner == owner,
            sweep_uses.c.resource_id == resource_id,
            sweeps.c.state.in_(ACTIVE),
        )
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is not None:
        raise Conflict(f"The sweep '{row.id}', which is {row.state}, uses '{resource_id}'.")
