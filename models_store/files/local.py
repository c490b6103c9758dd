"""A store of files in a folder of this machine."""

import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from domain.errors import NotFound
from models_store.files.disk import hash_file, raise_storage_full, sync
from models_store.files.key import Artifact, Digest, split_key
from models_store.files.scratch import Scratch


class LocalFile:
    """An open file; its hash is not checked."""

    def __init__(self, descriptor: int) -> None:
        self.size = os.fstat(descriptor).st_size
        self._descriptor = descriptor

    def read(self, start: int, size: int) -> bytes:
        """Reads a range of the file."""
        return os.pread(self._descriptor, size, start)


class LocalArtifacts:
    """Stores each key as a path below one folder; a rename publishes a file."""

    kind = "file"

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._scratch = Scratch(self._folder / "scratch")  # on the same file system

    @contextmanager
    def fetch(self, key: str, sha256: str | None = None) -> Iterator[Path]:
        """Gives the path of the stored file itself; its hash is not checked."""
        yield self._file(key)

    @contextmanager
    def open(self, key: str, sha256: str) -> Iterator["LocalFile"]:
        """Opens the file; it stays readable when its key is deleted."""
        with self._file(key).open("rb") as file:
            yield LocalFile(file.fileno())

    def read(self, key: str, start: int, size: int) -> bytes:
        """Reads a range of the stored file."""
        with self._file(key).open("rb") as file:
            return LocalFile(file.fileno()).read(start, size)

    def digest(self, key: str) -> Digest:
        """Reads the stored file."""
        path = self._file(key)
        return Digest(path.stat().st_size, hash_file(path))

    def _file(self, key: str) -> Path:
        path = self._path(key)
        if not path.is_file():
            raise NotFound("file", path.name)
        return path

    def publish(self, source: Path, key: str, sha256: str) -> None:
        """Syncs the file, renames it into place, and syncs the folder."""
        target = self._path(key)
        if not source.exists() and target.exists():
            return
        with raise_storage_full():
            source.chmod(0o444)
            sync(source)
            try:
                self._rename(source, target)
            except FileNotFoundError:  # a sweep deleted the empty folder
                self._rename(source, target)

    def _rename(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        folder = target.parent
        while folder != self._folder.parent:
            sync(folder)
            folder = folder.parent

    def scratch(self, prefix: str) -> AbstractContextManager[Path]:
        """Creates the folder on the same file system, so that publishing is a rename."""
        return self._scratch.folder(prefix)

    def sweep_scratch(self, grace_seconds: float) -> int:
        """Sweeps the scratch folders inside the folder of the store."""
        return self._scratch.sweep(grace_seconds)

    def files(self, kind: str) -> Iterator[Artifact]:
        """Lists files with their ages by the times of the file system."""
        for path in self._path(kind).rglob("*"):
            try:
                found = path.stat()
            except FileNotFoundError:  # another process has just removed it
                continue
            if stat.S_ISREG(found.st_mode):
                key = path.relative_to(self._folder).as_posix()
                yield Artifact(key, found.st_size, max(0.0, time.time() - found.st_mtime))

    def delete_prefix(self, prefix: str) -> None:
        """Removes the folder or file, and then its empty parent folders."""
        folder = self._path(prefix)
        if folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder.unlink(missing_ok=True)
        for parent in list(folder.parents)[: len(Path(prefix).parts) - 2]:
            if not _remove_if_empty(parent):
                break

    def check(self) -> None:
        """Does nothing, since a folder always answers."""

    def _path(self, key: str) -> Path:
        return self._folder.joinpath(*split_key(key))


def _remove_if_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:  # not empty, or already gone
        return False
    return True
