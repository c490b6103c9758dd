"""How a worker runs its jobs."""

from pathlib import Path

from pydantic import Field

from models_store.environment import EnvironmentSettings


class Settings(EnvironmentSettings):
    """Of how jobs are run."""

    idle_seconds: float = Field(default=1.0, gt=0)
    """How often an idle worker looks for a job without being called."""
    tick_seconds: float = Field(default=0.5, gt=0)
    """How often a busy worker renews its lease and looks for a cancellation."""
    reap_seconds: float = Field(default=1.0, gt=0)
    """How often the reaper looks for expired leases."""
    sweep_seconds: float = Field(default=60.0, gt=0)
    """How often the reaper deletes what nothing names any more."""
    checkpoint_seconds: float = Field(default=60.0, gt=0)
    """How often a training that is in the middle of an epoch writes a checkpoint; less often
    where a tenth of the time went on it."""
    save_seconds: float = Field(default=10.0, ge=0)
    """How long a worker that is told to stop waits for a last checkpoint of its training, before
    it hands the job back without; `graphfit serve` kills its worker after 20 s."""
    max_deaths: int = Field(default=2, ge=1)
    """How often in a row, without a new checkpoint between, a job's training process may be killed
    or crash: then the job fails."""
    max_training_memory_bytes: int = Field(default=0, ge=0)
    """Memory that one job's process may take beyond what it starts with, mapped datasets and what
    lies on a GPU aside; a job that needs more fails. 0: what the machine has."""
    pulses: Path | None = None
    """Folder in which a worker and a reaper touch a file at each round of their work, which
    `graphfit health` looks at; left empty, they touch none. One of each to a folder."""
