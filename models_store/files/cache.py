"""A cache of stored files on this machine's disk, with a maximum size."""

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from domain.errors import Busy, Damaged, StorageFull
from models_store.files.cached_file import CachedFile, create_partial, list_files, lock_file
from models_store.files.disk import raise_storage_full

RETRY_AFTER = 10


class Download(NamedTuple):
    """A file to download."""

    name: str
    """The name that error messages show."""
    size: int
    """Bytes."""
    sha256: str | None
    """The expected hash; None if it is unknown."""
    blocks: Iterable[bytes]


class Cache:
    """A folder that several processes share; a killed process leaves it consistent.

    A process locks each file that it uses. To make room, the cache deletes unlocked files, the
    least recently used first. A partial file has its full size from the start, so that each
    process counts the downloads of the others.
    """

    def __init__(self, folder: Path, most_bytes: int, setting: str = "CACHE_BYTES") -> None:
        self._folder = folder
        self._most = most_bytes
        self._setting = setting
        self._fetching: dict[str, threading.Lock] = {}
        self._in_use: Counter[Path] = Counter()
        self._guard = threading.Lock()

    @contextmanager
    def fetch(self, name: str, download: Callable[[], Download]) -> Iterator[Path]:
        """Gives the path of a file, which is locked inside the `with` block.

        Args:
            name: The name in the cache; different contents have different names.
            download: Opens the download if the file is not in the cache.

        Raises:
            Damaged: The downloaded bytes have another size or hash.
            StorageFull: The disk is full, or the maximum size leaves no room beside the files
                that this process uses.
            Busy: Files that other processes use leave no room.
        """
        path = self._folder / name
        descriptor = lock_file(path)
        if descriptor is None:
            descriptor = self._fetch_once(path, download)
        with self._guard:
            self._in_use[path] += 1
        try:
            yield path
        finally:
            with self._guard:
                self._in_use[path] -= 1
            os.close(descriptor)

    def drop(self, name: str) -> None:
        """Deletes a file unless a process has locked it."""
        CachedFile(self._folder / name, bytes=0, used=0).remove()

    def _fetch_once(self, path: Path, download: Callable[[], Download]) -> int:
        """Returns a descriptor with a lock; threads that want the same file wait for the first."""
        with self._guard:
            lock = self._fetching.setdefault(path.name, threading.Lock())
        try:
            with lock:
                while True:
                    descriptor = lock_file(path)
                    if descriptor is None:
                        descriptor = self._download(path, download())
                    if descriptor is not None:
                        return descriptor
        finally:
            with self._guard:
                self._fetching.pop(path.name, None)

    def _download(self, path: Path, download: Download) -> int | None:
        """Returns a descriptor with a lock; None if another process was faster."""
        with raise_storage_full():
            partial, descriptor = create_partial(self._folder, download.size)
        try:
            self._make_room(partial, download)
            _fill(descriptor, download)
            os.link(partial, path)  # unlike a rename, it does not replace a file in use
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, FileExistsError):
                return None
            raise
        finally:
            partial.unlink(missing_ok=True)
        return descriptor

    def _make_room(self, partial: Path, download: Download) -> None:
        files = sorted(list_files(self._folder), key=lambda file: file.used)
        excess = sum(file.bytes for file in files) - self._most
        for file in files:
            if file.path != partial and (excess > 0 or file.is_partial) and file.remove():
                excess -= file.bytes
        if excess > 0:
            self._refuse(files, download)

    def _refuse(self, files: Iterable[CachedFile], download: Download) -> None:
        with self._guard:
            ours = {path for path, count in self._in_use.items() if count}
        beside = sum(file.bytes for file in files if file.path in ours)
        if download.size + beside <= self._most:
            raise Busy(
                "The cache is full of files in use.",
                retry_after=RETRY_AFTER,
            )
        with_others = f", beside {beside} bytes in use" if beside else ""
        raise StorageFull(
            f"'{download.name}' has {download.size} bytes{with_others}: more than the server's "
            f"cache may hold, {self._most} ({self._setting})."
        )


def _fill(descriptor: int, download: Download) -> None:
    """Writes the file, syncs it, and checks its size and hash."""
    digest = hashlib.sha256()
    with raise_storage_full(), os.fdopen(descriptor, "wb", closefd=False) as file:
        if download.size:
            os.posix_fallocate(descriptor, 0, download.size)
        for block in download.blocks:
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(descriptor)
        size = file.tell()
    if size != download.size or download.sha256 not in (None, digest.hexdigest()):
        raise Damaged(download.name)
