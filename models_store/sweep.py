"""Deletes artefacts that no row names: what killed processes left half-done."""

from pathlib import PurePosixPath

from sqlalchemy import Connection, select

from models_store.artifacts import ArtifactStore
from models_store.database import Database
from models_store.datasets import folder_of
from models_store.tables import checkpoints, datasets, models


def sweep(database: Database, store: ArtifactStore, grace_seconds: float) -> int:
    """Gives how many folders were deleted.

    A folder is looked up only once it is older than the grace period: what is being
    written is named by no row yet.
    """
    deleted = 0
    for kind in ("datasets", "jobs"):
        for prefix, age in store.prefixes(kind):
            if age < grace_seconds:
                continue
            with database.read() as connection:
                named = _is_named(connection, prefix)
            if not named:
                store.delete_prefix(prefix)
                deleted += 1
    return deleted + _sweep_scratch(store, grace_seconds)


def _sweep_scratch(store: ArtifactStore, grace_seconds: float) -> int:
    """What killed processes were writing; the store leaves out what a live one holds."""
    stale = [prefix for prefix, age in store.prefixes("scratch") if age >= grace_seconds]
    for prefix in stale:
        store.delete_prefix(prefix)
    return len(stale)


def _is_named(connection: Connection, prefix: str) -> bool:
    kind, identifier, *_ = prefix.split("/")
    if kind == "jobs":
        return prefix in named_folders(connection, identifier)
    query = select(datasets.c.id).where(datasets.c.id == identifier)
    return prefix == folder_of(identifier) and connection.execute(query).first() is not None


def named_folders(connection: Connection, job_id: str) -> set[str]:
    """The attempts' folders of a job that a checkpoint or a model names."""
    kept = select(checkpoints.c.artifact).where(checkpoints.c.job_id == job_id)
    made = select(models.c.folder).where(models.c.job_id == job_id)
    folders = {str(PurePosixPath(key).parent) for key in connection.execute(kept).scalars()}
    return folders | set(connection.execute(made).scalars())
