"""A store of files in a folder of this machine."""

import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from domain.errors import NotFound
from models_store.files.disk import hash_file, raise_storage_full, sync_all
from models_store.files.key import Artifact, Digest, NewFile, split_key
from models_store.files.scratch import Scratch

RENAMES = 2
"""Attempts to rename a file before the last one."""


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
        path = self._file(key)
        with _translate_missing(path):
            yield path

    @contextmanager
    def open(self, key: str, sha256: str) -> Iterator["LocalFile"]:
        """Opens the file; it stays readable when its key is deleted."""
        with self._open(key) as file:
            yield LocalFile(file.fileno())

    def read(self, key: str, start: int, size: int) -> bytes:
        """Reads a range of the stored file."""
        with self._open(key) as file:
            return LocalFile(file.fileno()).read(start, size)

    def digest(self, key: str) -> Digest:
        """Reads the stored file."""
        path = self._file(key)
        with _translate_missing(path):
            return Digest(path.stat().st_size, hash_file(path))

    def _open(self, key: str) -> BinaryIO:
        path = self._file(key)
        with _translate_missing(path):
            return path.open("rb")

    def _file(self, key: str) -> Path:
        path = self._path(key)
        if not path.is_file():
            raise NotFound("file", path.name)
        return path

    def publish(self, source: Path, key: str, sha256: str) -> None:
        """Syncs the file, renames it into place, and syncs the folder."""
        self.publish_all([NewFile(source, key, sha256)])

    def publish_all(self, files: Sequence[NewFile]) -> None:
        """Syncs all files, renames each into place, and syncs their folders.

        A sync waits for the disk, which joins those that come together to a few writes. A file is
        synced before its rename, since it may replace one that a row refers to.
        """
        targets = {file.source: self._path(file.key) for file in files}
        moves = [
            (source, target)
            for source, target in targets.items()
            if source.exists() or not target.exists()
        ]
        with raise_storage_full():
            for source, _ in moves:
                source.chmod(0o444)
                os.utime(source)  # no row refers to the file yet, however long ago it was written
            sync_all([source for source, _ in moves])
            for source, target in moves:
                _rename(source, target)
            sync_all([*self._list_folders(targets.values())])

    def _list_folders(self, targets: Iterable[Path]) -> set[Path]:
        """Returns the folders above some files, up to the folder of the store."""
        found: set[Path] = set()
        for parent in {target.parent for target in targets}:
            found |= {f for f in (parent, *parent.parents) if f.is_relative_to(self._folder)}
        return found

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


@contextmanager
def _translate_missing(path: Path) -> Iterator[None]:
    """Translates the error at a file that is deleted while it is used.

    Raises:
        NotFound: The file is gone.
    """
    try:
        yield
    except FileNotFoundError as error:
        if str(error.filename) != str(path):
            raise
        raise NotFound("file", path.name) from error


def _rename(source: Path, target: Path) -> None:
    for _ in range(RENAMES):
        try:
            source.replace(target)
        except FileNotFoundError:  # no folder yet, or a sweep deleted the empty folder
            target.parent.mkdir(parents=True, exist_ok=True)
        else:
            return
    source.replace(target)


def _remove_if_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:  # not empty, or already gone
        return False
    return True
