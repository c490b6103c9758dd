"""Deletes files to which no row refers, such as files of killed processes."""

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
"""Folders whose rows one query reads."""
Folder = tuple[str, list[Artifact]]
"""The key of a folder, and its files."""


def sweep(database: Database, store: ArtifactStore, grace_seconds: float) -> int:
    """Deletes unreferenced files of the store, and old scratch folders of this machine.

    It skips folders in which a file changed within the grace period, since no row refers to files
    that are still being written.

    Returns:
        The number of deleted files and scratch folders.
    """
    deleted = 0
    for kind, get_files in references.KINDS.items():
        folders = _old_folders(store, kind, grace_seconds)
        while batch := list(islice(folders, BATCH)):
            ids = {folder.split("/")[1] for folder, _ in batch}
            with database.read() as connection:
                keys = {file.key for file in get_files(connection, ids)}
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
    unreferenced = [file.key for file in files if file.key not in keys]
    for key in [prefix] if len(unreferenced) == len(files) else unreferenced:
        store.delete_prefix(key)
    return len(unreferenced)


def get_referenced_folders(connection: Connection, job_id: str) -> set[str]:
    """Returns the folders of a job's attempts to which a checkpoint or a model refers."""
    return {
        str(PurePosixPath(f.key).parent) for f in references.get_job_files(connection, [job_id])
    }
