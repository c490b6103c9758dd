"""Where things are kept, and the lease that guards a running job."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from the environment, prefix `GRAPHFIT_`."""

    model_config = SettingsConfigDict(
        env_prefix="GRAPHFIT_", use_attribute_docstrings=True, frozen=True, extra="ignore"
    )

    data: Path = Path("models_store/var")
    """Folder in which the embedded default keeps rows, wake-up calls and files."""
    database_url: str = ""
    """SQLAlchemy URL of the database; left empty, `graphfit.sqlite` in the data folder."""
    broker_url: str = ""
    """Celery broker; left empty, kombu's filesystem transport in the data folder."""
    artifacts_url: str = ""
    """Where files are kept (`file:///...`); left empty, `artifacts` in the data folder."""
    lease_seconds: float = Field(default=30, gt=0)
    """How long a silent worker keeps its job before another may take it."""
    max_attempts: int = Field(default=5, ge=1)
    """How often a job is started again after its worker was lost."""
    idempotency_hours: float = Field(default=24, gt=0)
    """How long the answer to an `Idempotency-Key` is kept."""
    sweep_grace_seconds: float = Field(default=3600, gt=0)
    """Age past which a folder that no row names is deleted."""

    @property
    def data_folder(self) -> Path:
        """The data folder, absolute."""
        return self.data.expanduser().resolve()

    @property
    def resolved_database_url(self) -> str:
        """`database_url`, or the embedded SQLite file."""
        return self.database_url or f"sqlite:///{self.data_folder / 'graphfit.sqlite'}"

    @property
    def resolved_artifacts_url(self) -> str:
        """`artifacts_url`, or the embedded folder."""
        return self.artifacts_url or (self.data_folder / "artifacts").as_uri()
