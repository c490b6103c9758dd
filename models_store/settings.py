"""Settings of the database, the broker, the files, leases and retention."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from domain.job.sources import parse_allowed
from models_store.bucket_options import BucketOptions
from models_store.environment_settings import EnvironmentSettings

DATABASES = ("sqlite", "postgresql")

GIB = 2**30
MOST_DAYS = 100_000


class Settings(EnvironmentSettings):
    """Settings of storage."""

    data: Path = Field(default_factory=lambda: user_data_path("graphfit", appauthor=False))
    """Folder in which the embedded default keeps rows, wake messages and files; left empty,
    `graphfit` in the folder of the user's data (`$XDG_DATA_HOME`, by default `~/.local/share`)."""
    database_url: str = Field(default="", repr=False)
    """SQLAlchemy URL of the database; left empty, `graphfit.sqlite` in the data folder."""
    database_connections: int = Field(default=10, ge=2)
    """Most connections that one process opens to PostgreSQL."""
    database_seconds: float = Field(default=20, gt=0)
    """Time limit of a PostgreSQL statement and of a silent server, in seconds."""
    broker_url: str = Field(default="", repr=False)
    """Celery broker; left empty, a folder of messages in the data folder."""
    artifacts_url: str = ""
    """Where files are stored (`file:///folder` or `s3://bucket/prefix`); left empty, `artifacts` in
    the data folder."""
    cache_bytes: int = Field(default=50 * GIB, ge=1)
    """Maximum size of the folder `cache` in the data folder, which contains files of a bucket; at
    least the size of the files that one job reads together."""
    s3_endpoint: str = ""
    """Address of the bucket's server (`http://minio:9000`); left empty, Amazon's of the region."""
    s3_region: str = "us-east-1"
    """Region of the bucket."""
    s3_access_key: str = ""
    """Access key; left empty, the keys come from the same sources as in Amazon's tools:
    `AWS_ACCESS_KEY_ID`, or the role of the container or the machine."""
    s3_secret_key: SecretStr = SecretStr("")
    """Secret key of `s3_access_key`."""
    s3_seconds: float = Field(default=20, gt=0)
    """Time limit of a silent bucket server, in seconds."""
    lease_seconds: float = Field(default=30, gt=0)
    """Seconds without a renewal after which another worker may take a job."""
    resume_anywhere_seconds: float = Field(default=600, ge=0)
    """Seconds for which a deterministic job with a checkpoint waits for a worker on which it
    resumes bit for bit; afterwards any worker may take it."""
    max_attempts: int = Field(default=5, ge=1)
    """Number of attempts since the last checkpoint, ended by a lost worker or an internal error, at
    which a job fails."""
    max_job_seconds: float = Field(default=7 * 86_400, ge=0)
    """Longest running time of one job in seconds, all attempts together. A job that takes longer
    fails. 0: no limit."""
    idempotency_hours: float = Field(default=24, gt=0)
    """How long the answer to an `Idempotency-Key` is kept."""
    import_hosts: str = ""
    """Hosts and buckets from which `import` jobs may fetch files, separated by commas:
    `data.example.org` (https), `*.example.org:8443`, `http://127.0.0.1:9000`, `s3://bucket`. A host
    that is named must have public addresses; an address that is listed itself may be private. Left
    empty, no files are fetched."""
    upload_hours: float = Field(default=24, gt=0, le=24 * MOST_DAYS)
    """How long an upload in parts is kept after its last part, in hours, unless a job that has not
    ended uses it."""
    keep_jobs_days: float = Field(default=0, ge=0, le=MOST_DAYS)
    """How long an ended job is kept, with its history and events; its model stays. 0: for ever."""
    keep_models_days: float = Field(default=0, ge=0, le=MOST_DAYS)
    """How long a model is kept, unless a job that has not ended needs it. 0: for ever."""
    sweep_grace_seconds: float = Field(default=3600, gt=0, validate_default=True)
    """Age past which a folder that no row names is deleted; more than `LEASE_SECONDS`."""

    @field_validator("database_url")
    @classmethod
    def _names_a_database(cls, value: str) -> str:
        kinds = "sqlite:////folder/file or postgresql://user:password@host/name"
        return _like(kinds, value, lambda: make_url(value).get_backend_name() in DATABASES)

    @field_validator("broker_url")
    @classmethod
    def _names_a_broker(cls, value: str) -> str:
        kinds = "redis://:password@host:6379/0"
        return _like(
            kinds, value, lambda: bool(urlsplit(value).scheme) and urlsplit(value).port != 0
        )

    @field_validator("sweep_grace_seconds")
    @classmethod
    def _sweeps_no_live_attempt(cls, value: float, info: ValidationInfo) -> float:
        """Requires more than the lease: a row names published files before the lease expires."""
        if value <= info.data.get("lease_seconds", 0):
            raise ValueError("must be more than GRAPHFIT_LEASE_SECONDS")
        return value

    @field_validator("import_hosts")
    @classmethod
    def _lists_hosts(cls, value: str) -> str:
        parse_allowed(value)
        return value

    @property
    def uses_default_folder(self) -> bool:
        """Whether no setting names the data folder."""
        return "data" not in self.model_fields_set

    @property
    def data_folder(self) -> Path:
        """The data folder, absolute."""
        return self.data.expanduser().resolve()

    @property
    def bucket(self) -> BucketOptions:
        """How the server of buckets is reached."""
        return BucketOptions(
            endpoint=self.s3_endpoint,
            region=self.s3_region,
            access_key=self.s3_access_key,
            secret_key=self.s3_secret_key,
            seconds=self.s3_seconds,
        )

    @property
    def resolved_database_url(self) -> str:
        """`database_url`, or the embedded SQLite file."""
        return self.database_url or f"sqlite:///{self.data_folder / 'graphfit.sqlite'}"

    @property
    def resolved_artifacts_url(self) -> str:
        """`artifacts_url`, or the embedded folder."""
        return self.artifacts_url or (self.data_folder / "artifacts").as_uri()


def _like(example: str, value: str, is_known: Callable[[], bool]) -> str:
    """Checks a URL. The error shows neither the value nor the parser's message (passwords)."""
    try:
        known = not value or is_known()
    except (ArgumentError, ValueError):
        known = False
    if not known:
        raise ValueError(f"no URL like {example} (percent-encode what is special in a password)")
    return value
