"""Cancels a sweep and the jobs of its trials."""

from contextlib import suppress

from sqlalchemy import Connection

from domain.errors import Conflict, NotFound
from models_store.jobs import control
from models_store.sweeps import advance, sweeps


def cancel(connection: Connection, owner: str, sweep_id: str) -> list[str]:
    """Starts no further trials, and cancels the jobs of running ones. Returns their ids.

    Raises:
        NotFound: The owner has no sweep with this id.
        Conflict: The sweep has succeeded or failed.
    """
    if not sweeps.cancel(connection, owner, sweep_id):
        return []
    return cancel_jobs(connection, owner, sweep_id)


def cancel_jobs(connection: Connection, owner: str, sweep_id: str) -> list[str]:
    """Cancels the jobs of the running trials of a sweep. Returns their ids."""
    job_ids = [trial.job_id for trial in advance.list_running(connection, sweep_id)]
    for job_id in job_ids:
        cancel_job(connection, owner, job_id, "its sweep is ended")
    return job_ids


def cancel_job(connection: Connection, owner: str, job_id: str, reason: str) -> None:
    """Cancels the job of a trial, unless it has ended or was deleted."""
    with suppress(Conflict, NotFound):
        control.cancel(connection, owner, job_id, reason)
