"""The settings that an attempt runs by."""

from dataclasses import dataclass

from worker.supervisor.heartbeat_file import UNFELT, Pulse


@dataclass(frozen=True)
class Rules:
    """Times are in seconds."""

    lease_seconds: float
    tick_seconds: float
    max_attempts: int
    max_deaths: int = 2
    """Of a training process, in a row."""
    save_seconds: float = 10.0
    """That a worker which is to stop waits for a last checkpoint."""
    checkpoint_seconds: float = 60.0
    """Between two checkpoints within an epoch."""
    anywhere_seconds: float = 600.0
    """That a job waits for an equal environment to go on in."""
    memory_bytes: int = 0
    """Of one process; 0: what the machine has."""
    pulse: Pulse = UNFELT
    """Beats while the worker is at work, idle or not."""
