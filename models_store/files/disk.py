"""Errors of a full disk, syncing and hashing of files."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from domain.errors import FULL, StorageFull

SYNCS_AT_ONCE = 16


@contextmanager
def raise_storage_full() -> Iterator[None]:
    """Translates the errors of a full disk inside the block.

    Raises:
        StorageFull: No space, no quota, or the process's limit of a file's size.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull from error
        raise


def sync(path: Path) -> None:
    """Syncs a file, or the list of names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(paths: Sequence[Path]) -> None:
    """Syncs several files at the same time, which the disk joins to a few writes.

    A folder that another client has deleted meanwhile, with its upload, is passed over.
    """
    parts = [paths[start::SYNCS_AT_ONCE] for start in range(min(SYNCS_AT_ONCE, len(paths)))]
    with ThreadPoolExecutor(max(1, len(parts))) as threads:
        for _ in threads.map(_sync_each, parts):
            pass  # raises the error of the first file that has one


def _sync_each(paths: Sequence[Path]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            sync(path)


def hash_file(path: Path) -> str:
    """Returns the sha256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
