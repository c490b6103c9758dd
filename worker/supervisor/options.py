"""Options of the supervisor, read from the settings once."""

from dataclasses import dataclass

from models_store.bucket_options import BucketOptions
from models_store.settings import Settings as StoreSettings
from worker.settings import Settings
from worker.supervisor.heartbeat_file import HeartbeatFile


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of one worker. Their defaults are those of the settings; times are in seconds."""

    lease_seconds: float
    tick_seconds: float
    """Time between two renewals of the lease."""
    max_attempts: int
    """Attempts that may be lost in a row before the job fails."""
    max_deaths: int
    """Training processes that may die in a row before the job fails."""
    max_job_seconds: float
    """Running time of a job over all attempts; 0: no limit."""
    save_seconds: float
    """Time that a stopping worker waits for a last checkpoint."""
    checkpoint_seconds: float
    """Least time between two checkpoints within an epoch."""
    anywhere_seconds: float
    """Time that a job waits for a worker with an equal environment to resume on."""
    memory_bytes: int
    """Memory that one training process may take; 0: no limit."""
    import_hosts: str
    """Hosts and buckets that files are fetched from."""
    bucket: BucketOptions
    """The server of the buckets."""
    heartbeat: HeartbeatFile
    """Touched while the worker works, idle or not."""

    @classmethod
    def of(cls, store: StoreSettings, settings: Settings, part: str = "worker") -> "Options":
        """Returns the options of the settings. A lease is renewed at least three times.

        Args:
            store: The settings of storage.
            settings: The settings of the worker.
            part: The name of the heartbeat file.
        """
        return cls(
            lease_seconds=store.lease_seconds,
            tick_seconds=min(settings.tick_seconds, store.lease_seconds / 3),
            max_attempts=store.max_attempts,
            max_deaths=settings.max_deaths,
            max_job_seconds=store.max_job_seconds,
            save_seconds=settings.save_seconds,
            checkpoint_seconds=settings.checkpoint_seconds,
            anywhere_seconds=store.resume_anywhere_seconds,
            memory_bytes=settings.max_training_memory_bytes,
            import_hosts=store.import_hosts,
            bucket=store.bucket,
            heartbeat=HeartbeatFile.of(part, settings.heartbeats),
        )
