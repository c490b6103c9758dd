"""How a worker runs its jobs."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from the environment, prefix `GRAPHFIT_`."""

    model_config = SettingsConfigDict(
        env_prefix="GRAPHFIT_", use_attribute_docstrings=True, frozen=True, extra="ignore"
    )

    idle_seconds: float = Field(default=1.0, gt=0)
    """How often an idle worker looks for a job without being called."""
    tick_seconds: float = Field(default=0.5, gt=0)
    """How often a busy worker renews its lease and looks for a cancellation."""
    reap_seconds: float = Field(default=1.0, gt=0)
    """How often the reaper looks for expired leases."""
    sweep_seconds: float = Field(default=60.0, gt=0)
    """How often the reaper deletes what nothing names any more."""
    max_training_memory_bytes: int = Field(default=0, ge=0)
    """Memory that one job's process may take beyond what it starts with, mapped datasets and what
    lies on a GPU aside; a job that needs more fails. 0: what the machine has."""
