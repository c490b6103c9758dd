"""Deletes artefacts that no row names: what killed processes left half-done."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from sqlalchemy import Connection

from models_store.database.engine import Database
from models_store.files.key import Artifact
from models_store.files.store import ArtifactStore
from models_store.maintenance import references

BATCH = 200
"""Folders that are looked up at once."""
Folder = tuple[str, list[Artifact]]


def sweep(database: Database, store: ArtifactStore, grace_seconds: float) -> int:
    """Gives how many files were deleted, and folders on this machine's disk.

    A folder is looked up only once nothing in it has changed for the grace period: what is being
    written is named by no row yet.
    """
    deleted = 0
    for kind, files_of in references.KINDS.items():
        folders = _old_folders(store, kind, grace_seconds)
        while batch := list(islice(folders, BATCH)):
            ids = {folder.split("/")[1] for folder, _ in batch}
            with database.read() as connection:
                keys = {file.key for file in files_of(connection, ids)}
            deleted += sum(_sweep_folder(store, folder, keys) for folder in batch)
    return deleted + store.sweep_scratch(grace_seconds)


def _old_folders(store: ArtifactStore, kind: str, grace_seconds: float) -> Iterator[Folder]:
    folders: dict[str, list[Artifact]] = defaultdict(list)
    for file in store.files(kind):
        folders[file.folder].append(file)
    for folder, files in folders.items():
        if min(file.age for file in files) >= grace_seconds:
            yield folder, files


def _sweep_folder(store: ArtifactStore, folder: Folder, keys: set[str]) -> int:
    prefix, files = folder
    unnamed = [file.key for file in files if file.key not in keys]
    for doomed in [prefix] if len(unnamed) == len(files) else unnamed:
        store.delete_prefix(doomed)
    return len(unnamed)


def named_folders(connection: Connection, job_id: str) -> set[str]:
    """The attempts' folders of a job that a checkpoint or a model names."""
    return {str(PurePosixPath(f.key).parent) for f in references.of_jobs(connection, [job_id])}
