"""Artefacts in a folder of this machine."""

import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import NotFound
from models_store.disk import full_disk_named, sync

SCRATCH = "scratch"
LEVELS = {"jobs": 2, "datasets": 1, SCRATCH: 1}
"""How many names below its kind a prefix has."""
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class LocalArtifacts:
    """Each key is a path below one folder; a rename publishes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def fetch(self, key: str) -> Path:
        """The file itself."""
        path = self._path(key)
        if not path.is_file():
            raise NotFound("file", path.name)
        return path

    def publish(self, source: Path, key: str) -> None:
        """Syncs the file, renames it into place, and syncs the folder."""
        target = self._path(key)
        with full_disk_named():
            source.chmod(0o444)
            sync(source)
            try:
                self._rename(source, target)
            except FileNotFoundError:  # a sweep took the folder while it was still empty
                self._rename(source, target)

    def _rename(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        folder = target.parent
        while folder != self._folder.parent:
            sync(folder)
            folder = folder.parent

    @contextmanager
    def scratch(self, prefix: str) -> Iterator[Path]:
        """A folder on the same file system, locked so that no sweep takes it from a live owner."""
        root = self._path(SCRATCH)
        with full_disk_named():
            root.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{_part(prefix)}-", dir=root))
            descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with full_disk_named():
                yield folder
        finally:
            os.close(descriptor)
            shutil.rmtree(folder, ignore_errors=True)

    def prefixes(self, kind: str) -> Iterator[tuple[str, float]]:
        """Ages by the file system's own times."""
        pattern = "/".join("*" * LEVELS[kind])
        for folder in sorted(self._path(kind).glob(pattern)):
            changed = _newest_change(folder)
            if changed is not None and not (kind == SCRATCH and _is_locked(folder)):
                age = max(0.0, time.time() - changed)
                yield folder.relative_to(self._folder).as_posix(), age

    def delete_prefix(self, prefix: str) -> None:
        """Removes the folder or file, and the folders above it that are empty then."""
        folder = self._path(prefix)
        if folder.is_file():
            folder.unlink(missing_ok=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
        for parent in list(folder.parents)[: len(Path(prefix).parts) - 2]:
            if not _removed_if_empty(parent):
                break

    def _path(self, key: str) -> Path:
        return self._folder.joinpath(*(_part(part) for part in key.split("/")))


def _part(text: str) -> str:
    if not _PART.fullmatch(text):
        raise ValueError(f"'{text}' cannot be a part of a key")
    return text


def _newest_change(folder: Path) -> float | None:
    """The latest time of anything in a folder; None when it is gone or is none."""
    try:
        times = [folder.stat().st_mtime] if folder.is_dir() else []
        times.extend(path.stat().st_mtime for path in folder.rglob("*"))
    except FileNotFoundError:  # it is being removed right now: look again at the next sweep
        return None
    return max(times, default=None)


def _is_locked(folder: Path) -> bool:
    """Whether the process that made a scratch folder still holds it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _removed_if_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:  # not empty, or already gone
        return False
    return True
