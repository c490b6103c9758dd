"""A file in a shared cache. A lock protects it while a process uses it."""

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from models_store.ids import new_id

PARTIAL = "partial"
YOUNG_SECONDS = 60.0
"""Age below which an unlocked partial file stays, since its process may be about to lock it."""


class CachedFile(NamedTuple):
    """A complete or a partial file."""

    path: Path
    bytes: int
    used: float
    """Time of the last use, in seconds since 1970."""

    @property
    def is_partial(self) -> bool:
        """Whether the download is not complete, or never will be."""
        return self.path.name.startswith(PARTIAL)

    def remove(self) -> bool:
        """Deletes the file unless a process has locked it. Returns whether the file is gone."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self.is_partial and time.time() - self.used < YOUNG_SECONDS:
                return False
            if _is_at(self.path, descriptor):
                self.path.unlink()
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)


def lock_file(path: Path) -> int | None:
    """Locks a file and marks it as used. Returns its descriptor; None if there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if _is_at(path, descriptor):
            os.utime(descriptor)
            return descriptor
    except BlockingIOError:
        pass  # another process is deleting it
    os.close(descriptor)
    return None


def create_partial(folder: Path, size: int) -> tuple[Path, int]:
    """Creates a sparse file of `size` bytes. Returns its path and a descriptor with a lock."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / new_id(PARTIAL)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o444)
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    os.ftruncate(descriptor, size)
    return path, descriptor


def list_files(folder: Path) -> Iterator[CachedFile]:
    """Lists the files of a cache in no order."""
    for path in folder.iterdir():
        try:
            found = path.stat()
        except FileNotFoundError:  # another process has just deleted it
            continue
        yield CachedFile(path, found.st_size, found.st_mtime)


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the path still names the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
