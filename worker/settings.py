"""Settings of a worker and of a reaper."""

from pathlib import Path

from pydantic import AliasChoices, Field

from models_store.environment_settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    """Settings of the supervisor and of the reaper."""

    idle_seconds: float = Field(default=1.0, gt=0)
    """Time between two reads of the queue by an idle worker, in addition to wake messages, in
    seconds."""
    tick_seconds: float = Field(default=0.5, gt=0)
    """Time between two renewals of the lease of a running job, in seconds; the worker also checks
    for a cancellation then."""
    reap_seconds: float = Field(default=1.0, gt=0)
    """Time between two searches of the reaper for expired leases, in seconds."""
    sweep_seconds: float = Field(default=60.0, gt=0)
    """Time between two deletions of files that no row names, in seconds."""
    checkpoint_seconds: float = Field(default=60.0, gt=0)
    """Time between two checkpoints within an epoch, in seconds; longer if checkpoints would take
    more than a tenth of the time."""
    save_seconds: float = Field(default=10.0, ge=0)
    """How long a worker that is being stopped waits for a last checkpoint of its training before
    it releases the job without one. `graphfit serve` kills its worker after 20 s."""
    max_deaths: int = Field(default=2, ge=1)
    """How often in a row, without a new checkpoint in between, the training process of a job may
    be killed or crash before the job fails."""
    max_training_memory_bytes: int = Field(default=0, ge=0)
    """Memory that the training process of one job may take beyond what it starts with. Mapped
    datasets and GPU memory do not count. A job that needs more fails. 0: no limit."""
    heartbeats: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("GRAPHFIT_HEARTBEATS", "GRAPHFIT_PULSES"),
    )
    """Folder in which workers and a reaper touch a file regularly, for `graphfit health`. Left
    empty, they touch none. Workers that use one folder need numbers (`--number`), as those of
    `graphfit serve --workers` have. The old name `GRAPHFIT_PULSES` is accepted as well."""
