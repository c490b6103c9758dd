"""What is announced of a job, in order."""

from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from domain.contract import Result

EventType = Literal["state", "epoch", "warning"]


class Event(Result):
    """One announcement; `id` counts up from 1 within its job."""

    id: int
    at: datetime
    type: EventType
    data: dict[str, JsonValue]
