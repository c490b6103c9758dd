"""Checks the sizes and numbers of a job's request against the limits of the service."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from domain.errors import MOST_FAULTS, Fault
from domain.graph.walk import Place
from domain.job.job import JobRequest
from domain.json.pointer import pointer

SCHEDULED = "learning_rate"
"""The argument of an optimizer that may be a schedule."""


@dataclass(frozen=True)
class RequestLimits:
    """The largest values in the request of a job; see the settings MAX_*."""

    seconds: float = 0
    """Running time of a job; 0: no limit."""
    priority: int = 0
    metadata: int = 64
    """Keys of `metadata`."""
    schedule_length: int = 1_000
    """Items of one list in a learning rate schedule."""
    list_length: int = 10_000
    """Items of every other list in `compile` and `fit`."""


def find_limit_faults(request: JobRequest, limits: RequestLimits) -> list[Fault]:
    """Return a fault for each limit that a request exceeds, up to MOST_FAULTS."""
    found = _find_excess(request, limits)
    return [
        Fault(pointer=pointer(*place), detail=detail)
        for place, detail in islice(found, MOST_FAULTS)
    ]


def _find_excess(request: JobRequest, limits: RequestLimits) -> Iterator[tuple[Place, str]]:
    seconds = request.limits.seconds
    if seconds is not None and limits.seconds and seconds > limits.seconds:
        detail = f"A job may run for at most {limits.seconds:g} seconds (MAX_JOB_SECONDS)."
        yield ("limits", "seconds"), detail
    if request.priority > limits.priority:
        detail = f"The highest priority of a job is {limits.priority} (MAX_PRIORITY)."
        yield ("priority",), detail
    if len(request.metadata) > limits.metadata:
        detail = f"A job has at most {limits.metadata:,} metadata keys (MAX_METADATA)"
        yield ("metadata",), f"{detail}; this one has {len(request.metadata):,}."
    for field in ("compile", "fit"):
        given = getattr(request, field).model_dump(exclude_unset=True)
        yield from _find_long_lists(given, (field,), limits)


def _find_long_lists(
    value: Any, place: Place, limits: RequestLimits, is_scheduled: bool = False
) -> Iterator[tuple[Place, str]]:
    """Find the lists that are too long; a list inside such a list is not looked at."""
    if isinstance(value, list):
        most = limits.schedule_length if is_scheduled else limits.list_length
        if len(value) > most:
            yield place, _describe_length(len(value), most, is_scheduled)
            return
    for key, item in _list_items(value):
        yield from _find_long_lists(item, (*place, key), limits, is_scheduled or key == SCHEDULED)


def _list_items(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, list):
        yield from enumerate(value)
    elif isinstance(value, dict):
        yield from value.items()


def _describe_length(length: int, most: int, is_scheduled: bool) -> str:
    what, setting = (
        ("A list of a learning rate schedule", "MAX_SCHEDULE_LENGTH")
        if is_scheduled
        else ("A list in `compile` or `fit`", "MAX_LIST_LENGTH")
    )
    return f"{what} has at most {most:,} items ({setting}); this one has {length:,}."
