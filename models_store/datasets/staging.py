"""Reads the body of a dataset into files. It uses no database."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from domain.dataset import Dataset
from domain.formats.read_options import ReadOptions
from models_store.datasets.arrangement import StagedFile, arrange
from models_store.datasets.columns.classes import bound_classes
from models_store.datasets.columns.file import ArrayFile
from models_store.datasets.formats.body import Source
from models_store.datasets.formats.registry import FORMATS

LARGE_BYTES = 1 << 18
"""Bytes of a block from which on it is hashed in a thread."""


class HashingSource:
    """A source that hashes the bytes that are read from it.

    A large block is hashed in a thread, while the reader works with it.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self._thread: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None

    def read(self, size: int, /) -> bytes:
        """Reads `size` bytes; fewer only at the end of the source.

        How a network cuts a body does therefore not show, and statistics that are computed block
        by block have the same bits.
        """
        block = _read_whole(self._source, size)
        self._wait()
        if len(block) < LARGE_BYTES:
            self._hash.update(block)
            return block
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1)
        self._pending = self._thread.submit(self._hash.update, block)
        return block

    def _wait(self) -> None:
        """Waits until the blocks so far are hashed."""
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    @property
    def sha256(self) -> str:
        """The hash of the bytes so far, in hexadecimal."""
        self._wait()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Ends the thread."""
        if self._thread is not None:
            self._thread.shutdown()


def _read_whole(source: Source, size: int) -> bytes:
    """Reads from a source until a block is whole or the source ends."""
    block = source.read(size)
    if len(block) in (0, size):
        return block
    parts, missing = [block], size - len(block)
    while missing > 0 and (block := source.read(missing)):
        parts.append(block)
        missing -= len(block)
    return b"".join(parts)


@dataclass(frozen=True)
class StagedDataset:
    """A dataset that has been read and checked; its files are not published."""

    record: Dataset
    arrays: list[dict[str, ArrayFile]]
    """The arrays of each column, by part."""
    files: list[StagedFile]


def read_dataset(
    folder: Path,
    dataset_id: str,
    media_type: str,
    source: Source,
    limit: int,
    name: str | None,
    options: ReadOptions,
) -> StagedDataset:
    """Reads a body to its end into files of a folder.

    Args:
        folder: An empty folder.
        dataset_id: The id of the new dataset.
        media_type: A key of `FORMATS`.
        source: The body.
        limit: Upper bound on the bytes of all arrays, for formats that compress them.
        name: The name of the dataset; a name in the body takes precedence.
        options: How the body is read.

    Raises:
        NotJson: The media type is JSON and the body is not.
        Invalid: The body breaks a rule of its format, or an option does not apply to it; lists
            every fault found.
        TooLarge: The arrays exceed `limit`.
    """
    FORMATS[media_type].check_options(options)
    with closing(HashingSource(source)) as hashing:
        body = FORMATS[media_type].read(hashing, folder, limit, options)
        sha256 = hashing.sha256
    columns, arrays, files = arrange(body.columns)
    record = Dataset(
        id=dataset_id,
        name=name if body.name is None else body.name,
        rows=body.rows,
        bytes=body.nbytes,
        sha256=sha256,
        columns=bound_classes(columns),
        created_at=datetime.now(UTC),
    )
    return StagedDataset(record, arrays, files)
