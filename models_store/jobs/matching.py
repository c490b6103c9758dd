"""Conditions under which a worker can run a queued job, for claims and for wait reasons."""

from sqlalchemy import ColumnElement, or_

from domain.job.resources import Capacity
from models_store.database.tables import jobs
from models_store.database.types import database_clock
from models_store.jobs.fair_turns import turn_column


def matches_device(capacity: Capacity) -> ColumnElement[bool]:
    """Whether the job may run on this kind of device."""
    return turn_column(capacity.device).is_not(None)


def matches_gpus(capacity: Capacity) -> ColumnElement[bool]:
    """Whether the worker has the requested number of GPUs; the default, also on a CPU, is one."""
    return jobs.c.gpus <= max(1, capacity.gpus)


def matches_memory(capacity: Capacity) -> ColumnElement[bool]:
    """Whether the device has the requested memory."""
    return jobs.c.memory_bytes <= capacity.memory_bytes


def matches_environment(capacity: Capacity, anywhere_seconds: float) -> ColumnElement[bool]:
    """Whether the job may resume in this environment.

    It may if the results stay bit-exact, or if it was queued `anywhere_seconds` ago.
    """
    return or_(
        jobs.c.environment_key.is_(None),
        jobs.c.environment_key == capacity.environment_key,
        jobs.c.queued_at <= database_clock() - anywhere_seconds,
    )
