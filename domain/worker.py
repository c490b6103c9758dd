"""A worker: what it offers, and whether it is there."""

from datetime import datetime
from typing import Literal

from domain.contract import Result
from domain.ids import JobId, WorkerId
from domain.job.resources import DeviceKind


class Worker(Result):
    """One process that trains one job at a time."""

    id: WorkerId
    name: str
    """Of its machine or container, and the number of its process there."""
    device: DeviceKind
    devices: list[str]
    """The model of each device."""
    gpus: int
    """0 on a CPU."""
    memory_bytes: int
    """Of one device."""
    version: str
    """Of Graphfit."""
    state: Literal["idle", "busy", "lost"]
    """`lost`: it has given no sign for as long as a lease lasts."""
    job: JobId | None
    """The one that it runs, where that is yours."""
    started_at: datetime
    last_heartbeat: datetime
