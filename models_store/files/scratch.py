"""Folders to write in on this machine's disk, which outlive no process for long."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models_store.files.disk import full_disk_named
from models_store.files.key import parts_of


class Scratch:
    """Each folder is locked by its owner, so that no sweep takes it from a live one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def folder(self, prefix: str) -> Iterator[Path]:
        """A new folder, removed at the end.

        Raises:
            StorageFull: the disk is full, inside too.
        """
        parts_of(prefix)
        with full_disk_named():
            self._folder.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=self._folder))
            descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with full_disk_named():
                yield folder
        finally:
            os.close(descriptor)
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, grace_seconds: float) -> int:
        """Deletes what killed processes left; gives how many folders that were."""
        if not self._folder.exists():
            return 0
        stale = [f for f in self._folder.iterdir() if _is_stale(f, grace_seconds)]
        for folder in stale:
            shutil.rmtree(folder, ignore_errors=True)
        return len(stale)


def _is_stale(folder: Path, grace_seconds: float) -> bool:
    """Nothing in it has changed for a while, and the process that made it is gone."""
    try:
        times = [path.stat().st_mtime for path in (folder, *folder.rglob("*"))]
        return time.time() - max(times) >= grace_seconds and not _is_locked(folder)
    except FileNotFoundError:  # it is being removed right now
        return False


def _is_locked(folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
