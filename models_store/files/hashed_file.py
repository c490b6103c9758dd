"""A new file that is hashed, written and synced in threads while its content arrives."""

import hashlib
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

SYNC_BYTES = 32 << 20
"""Bytes after which a file is synced, so that the disk is busy while more bytes arrive."""
MOST_WAITING = 2
"""Blocks that wait for the thread."""


class HashedFile:
    """Writes blocks to a new file, and hashes them.

    A caller that fails leaves it without `finish`; its threads end when it is collected.
    """

    def __init__(self, path: Path, sync_bytes: int = SYNC_BYTES) -> None:
        """Creates the file.

        Args:
            path: The file.
            sync_bytes: Bytes after which the file is synced.
        """
        self._sync_bytes = sync_bytes
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self._writer = ThreadPoolExecutor(1)
        self._syncer = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()
        self._syncing: Future[None] | None = None
        self._unsynced = 0

    def write(self, block: bytes | memoryview) -> None:
        """Writes a block, which the caller does not change any more.

        Raises:
            OSError: An earlier block could not be written.
        """
        while len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._writer.submit(self._write, memoryview(block)))

    def _write(self, block: memoryview) -> None:
        self._file.write(block)
        self._hash.update(block)
        self._unsynced += block.nbytes
        if self._unsynced >= self._sync_bytes and self._is_synced():
            self._syncing = self._syncer.submit(os.fdatasync, self._file.fileno())
            self._unsynced = 0

    def _is_synced(self) -> bool:
        """Whether the last sync has ended; raises its error, which no later sync reports."""
        if self._syncing is None:
            return True
        return self._syncing.done() and self._syncing.result() is None

    def flush(self) -> None:
        """Waits until the file has all blocks so far, so that it can be read.

        Raises:
            OSError: A block could not be written.
        """
        while self._waiting:
            self._waiting.popleft().result()
        self._file.flush()

    def finish(self) -> str:
        """Waits for all blocks and closes the file, which is not synced. Returns its sha256.

        Raises:
            OSError: A block could not be written.
        """
        with self._file, self._syncer, self._writer:
            for written in self._waiting:
                written.result()
            if self._syncing is not None:
                self._syncing.result()
        return self._hash.hexdigest()
