"""Whether a queued job fits a worker: one rule, for claims and for what waiting jobs are told."""

from sqlalchemy import ColumnElement, or_

from domain.job.resources import Capacity
from models_store.database.tables import jobs
from models_store.database.types import database_clock
from models_store.jobs.fair_turns import turn_of


def device_fits(capacity: Capacity) -> ColumnElement[bool]:
    """The job may run on this kind of device."""
    return turn_of(capacity.device).is_not(None)


def gpus_fit(capacity: Capacity) -> ColumnElement[bool]:
    """There are as many GPUs as it asks for; a job for a CPU asks for one, as do most."""
    return jobs.c.gpus <= max(1, capacity.gpus)


def memory_fits(capacity: Capacity) -> ColumnElement[bool]:
    """The device has the memory that it asks for."""
    return jobs.c.memory_bytes <= capacity.memory_bytes


def bits_fit(capacity: Capacity, anywhere_seconds: float) -> ColumnElement[bool]:
    """It goes on with the same bits here, or has waited long enough to go on with others."""
    return or_(
        jobs.c.environment_key.is_(None),
        jobs.c.environment_key == capacity.environment_key,
        jobs.c.queued_at <= database_clock() - anywhere_seconds,
    )
