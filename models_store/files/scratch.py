"""Temporary folders on this machine's disk, which are swept when their process is gone."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models_store.files.disk import raise_storage_full
from models_store.files.key import split_key


class Scratch:
    """Creates temporary folders; each process locks its own, so that no sweep deletes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def folder(self, prefix: str) -> Iterator[Path]:
        """Creates a folder, which is removed at the end of the `with` block.

        Raises:
            StorageFull: The disk is full, also if it fills inside the block.
        """
        split_key(prefix)
        with raise_storage_full():
            self._folder.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=self._folder))
            descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with raise_storage_full():
                yield folder
        finally:
            os.close(descriptor)
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, grace_seconds: float) -> int:
        """Deletes the folders of killed processes. Returns their number."""
        if not self._folder.exists():
            return 0
        stale = [f for f in self._folder.iterdir() if _is_stale(f, grace_seconds)]
        for folder in stale:
            shutil.rmtree(folder, ignore_errors=True)
        return len(stale)


def _is_stale(folder: Path, grace_seconds: float) -> bool:
    """Whether nothing in the folder has changed for the grace period and its process is gone."""
    try:
        times = [path.stat().st_mtime for path in (folder, *folder.rglob("*"))]
        return time.time() - max(times) >= grace_seconds and not _is_locked(folder)
    except FileNotFoundError:  # another process has just removed it
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
