"""The events of a job, in order."""

from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from domain.contract import Result
from domain.metric_values import Metrics

EventType = Literal["state", "epoch", "warning"]


class StepData(Result):
    """How far a training is within an epoch."""

    epoch: int
    """Number of finished epochs."""
    step: int
    """Number of finished steps of the present epoch."""
    steps: int
    """Number of steps of an epoch."""
    metrics: Metrics
    """Metrics of the present epoch so far."""


class StepEvent(Result):
    """An event of a stream that is not stored; it has no id."""

    at: datetime
    type: Literal["step"] = "step"
    data: StepData


class Event(Result):
    """An event of a job. `id` counts from 1 within the job."""

    id: int
    at: datetime
    type: EventType
    data: dict[str, JsonValue]
