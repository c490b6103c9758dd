"""The folder of one attempt: every file in it is whole, on the disk, and written under a lease."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from worker.lifeline import Lifeline
from worker.messages import WrittenFile


class Folder:
    """Writes files so that a name either does not exist or names the whole content."""

    def __init__(self, path: Path, lifeline: Lifeline) -> None:
        self._path = path
        self._lifeline = lifeline

    def write(self, name: str, media_type: str, fill: Callable[[Path], None]) -> WrittenFile:
        """Fill, sync and publish one file.

        Args:
            name: Under which the file appears once it is whole.
            media_type: For the one who downloads it.
            fill: Writes, and may check, the content at the given path, whose suffixes are `name`'s.

        Raises:
            OSError: E.g. the disk is full. Nothing is left behind, whatever `fill` raises.
        """
        self._lifeline.check()
        draft = self._path / f"partial-{name}"
        try:
            fill(draft)
            written = _sealed(draft, name, media_type)
            self._lifeline.check()
            draft.replace(self._path / name)
        finally:
            draft.unlink(missing_ok=True)
        _sync(self._path)
        return written


def _sealed(path: Path, name: str, media_type: str) -> WrittenFile:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return WrittenFile(name, path.stat().st_size, digest, media_type)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
