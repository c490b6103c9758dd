"""A worker: the resources that it offers, and its state."""

from datetime import datetime
from typing import Literal

from domain.contract import Result
from domain.ids import JobId, WorkerId
from domain.job.resources import DeviceKind


class Worker(Result):
    """One process that trains one job at a time."""

    id: WorkerId
    name: str
    """Name of its machine or container, and the number of its process there."""
    device: DeviceKind
    devices: list[str]
    """The model of each device."""
    gpus: int
    """Number of GPUs; 0 for a CPU worker."""
    memory_bytes: int
    """Memory of one device."""
    version: str
    """Version of Graphfit."""
    state: Literal["idle", "busy", "lost"]
    """`lost`: it has sent no heartbeat for the length of a lease."""
    job: JobId | None
    """The job that it runs; `null` if there is none or it belongs to another owner."""
    started_at: datetime
    last_heartbeat: datetime
