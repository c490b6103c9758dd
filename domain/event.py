"""The events of a job, in order."""

from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from domain.contract import Result

EventType = Literal["state", "epoch", "warning"]


class Event(Result):
    """An event of a job. `id` counts from 1 within the job."""

    id: int
    at: datetime
    type: EventType
    data: dict[str, JsonValue]
