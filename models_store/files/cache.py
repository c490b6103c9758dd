"""Files of a store on this machine's disk: bounded, and checked when they come."""

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from domain.errors import Busy, Damaged, StorageFull
from models_store.files.cached_file import CachedFile, create_partial, files_in, hold
from models_store.files.disk import full_disk_named

RETRY_AFTER = 10


class Download(NamedTuple):
    """A file on its way."""

    name: str
    """In words for the client."""
    size: int
    """In bytes."""
    sha256: str | None
    """What its bytes must hash to, where that is known."""
    blocks: Iterable[bytes]


class Cache:
    """Any number of processes share one folder, whatever kills them.

    Whoever uses a file holds it. To make room, those go that nobody holds, the least recently used
    first. A partial file has its full size from the start: each process counts what the others are
    fetching.
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
        """The file, which stays as it is for as long as the context lasts.

        Args:
            name: Of its content: no two contents share one.
            download: How to come by it when it is not here.

        Raises:
            Damaged: what came is not what its hash says.
            StorageFull: the disk has no room for it, or the bound leaves none beside what this
                process holds already.
            Busy: the bound is reached by what other processes hold.
        """
        path = self._folder / name
        descriptor = hold(path)
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
        """Deletes a file that nobody needs any more, unless somebody holds it."""
        CachedFile(self._folder / name, bytes=0, used=0).removed()

    def _fetch_once(self, path: Path, download: Callable[[], Download]) -> int:
        """A descriptor that holds the file; threads that want the same wait for the first."""
        with self._guard:
            lock = self._fetching.setdefault(path.name, threading.Lock())
        try:
            with lock:
                while True:
                    descriptor = hold(path)
                    if descriptor is None:
                        descriptor = self._download(path, download())
                    if descriptor is not None:
                        return descriptor
        finally:
            with self._guard:
                self._fetching.pop(path.name, None)

    def _download(self, path: Path, download: Download) -> int | None:
        """A descriptor that holds the file; none where another process was faster."""
        with full_disk_named():
            partial, descriptor = create_partial(self._folder, download.size)
        try:
            self._make_room(partial, download)
            _fill(descriptor, download)
            os.link(partial, path)  # unlike a rename it leaves what somebody holds already
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, FileExistsError):
                return None
            raise
        finally:
            partial.unlink(missing_ok=True)
        return descriptor

    def _make_room(self, partial: Path, download: Download) -> None:
        files = sorted(files_in(self._folder), key=lambda file: file.used)
        excess = sum(file.bytes for file in files) - self._most
        for file in files:
            if file.path != partial and (excess > 0 or file.is_partial) and file.removed():
                excess -= file.bytes
        if excess > 0:
            self._refuse(files, download)

    def _refuse(self, files: Iterable[CachedFile], download: Download) -> None:
        with self._guard:
            ours = {path for path, count in self._in_use.items() if count}
        beside = sum(file.bytes for file in files if file.path in ours)
        if download.size + beside <= self._most:
            raise Busy("The cache of files is full of what is in use.", retry_after=RETRY_AFTER)
        with_others = f", beside {beside} bytes in use" if beside else ""
        raise StorageFull(
            f"'{download.name}' has {download.size} bytes{with_others}: more than the server's "
            f"cache may hold, {self._most} ({self._setting})."
        )


def _fill(descriptor: int, download: Download) -> None:
    """Writes the file, checks it, and waits until it is on the disk."""
    digest = hashlib.sha256()
    with full_disk_named(), os.fdopen(descriptor, "wb", closefd=False) as file:
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
