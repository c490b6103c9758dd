"""A file in a cache that processes share: held by a lock that ends with its process."""

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from models_store.ids import new_id

PARTIAL = "partial"
YOUNG_SECONDS = 60.0
"""For so long a partial file that nobody holds may be about to be held."""


class CachedFile(NamedTuple):
    """A whole file, or one on its way."""

    path: Path
    bytes: int
    used: float
    """When, in seconds since 1970."""

    @property
    def is_partial(self) -> bool:
        """Whether it is on its way, or was when its process ended."""
        return self.path.name.startswith(PARTIAL)

    def removed(self) -> bool:
        """Deletes it, unless somebody holds it; gives whether it is gone."""
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


def hold(path: Path) -> int | None:
    """A descriptor that holds the file, now the most recently used; none where it is not here."""
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
        pass  # it is being deleted
    os.close(descriptor)
    return None


def create_partial(folder: Path, size: int) -> tuple[Path, int]:
    """A new file of this size, all holes, and a descriptor that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / new_id(PARTIAL)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o444)
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    os.ftruncate(descriptor, size)
    return path, descriptor


def files_in(folder: Path) -> Iterator[CachedFile]:
    """All of them, in no order."""
    for path in folder.iterdir():
        try:
            found = path.stat()
        except FileNotFoundError:  # it is being deleted right now
            continue
        yield CachedFile(path, found.st_size, found.st_mtime)


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the path still names the file that is open."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
