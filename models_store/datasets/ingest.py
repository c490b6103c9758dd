"""Reads the body of a dataset and publishes its columns in the artifact store."""

import hashlib
from datetime import UTC, datetime

from domain.dataset import Column, Dataset
from models_store.datasets.formats.body import Body, Source
from models_store.datasets.formats.npy import BLOCK_BYTES
from models_store.datasets.formats.registry import FORMATS
from models_store.files.disk import hash_file
from models_store.files.store import ArtifactStore
from models_store.records.datasets import column_key, folder_of


class _HashingSource:
    """A source that hashes the bytes that are read from it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._hash = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        block = self._source.read(size)
        self._hash.update(block)
        return block

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def ingest(
    store: ArtifactStore,
    dataset_id: str,
    media_type: str,
    source: Source,
    limit: int,
    name: str | None = None,
) -> Dataset:
    """Reads a body to its end and publishes its columns. The caller inserts the row.

    Args:
        store: The artifact store.
        dataset_id: The id of the new dataset.
        media_type: A key of `FORMATS`.
        source: The body.
        limit: Upper bound on the bytes of all arrays, for formats that compress them.
        name: The name of the dataset; a name in the body takes precedence.

    Raises:
        NotJson: The media type is JSON and the body is not.
        Invalid: The body breaks a rule of its format; lists every fault found.
        TooLarge: The arrays exceed `limit`.
        StorageFull: The disk is full; no file was kept.
    """
    hashing = _HashingSource(source)
    with store.scratch(dataset_id) as folder:
        body = FORMATS[media_type].read(hashing, folder, limit)
        columns = _publish(store, dataset_id, body)
    return Dataset(
        id=dataset_id,
        name=name if body.name is None else body.name,
        rows=body.rows,
        bytes=body.nbytes,
        sha256=hashing.sha256,
        columns=columns,
        created_at=datetime.now(UTC),
    )


def hash_to_end(source: Source) -> str:
    """Reads a body to its end and returns its hash; stores nothing."""
    hashing = _HashingSource(source)
    while hashing.read(BLOCK_BYTES):
        pass
    return hashing.sha256


def _publish(store: ArtifactStore, dataset_id: str, body: Body) -> list[Column]:
    columns = []
    try:
        for index, file in enumerate(body.columns):
            sha256 = hash_file(file.path)
            store.publish(file.path, column_key(dataset_id, index), sha256)
            columns.append(file.column.model_copy(update={"sha256": sha256}))
    except BaseException:
        discard(store, dataset_id)
        raise
    return columns


def discard(store: ArtifactStore, dataset_id: str) -> None:
    """Deletes the columns of a dataset that has no row in the database."""
    store.delete_prefix(folder_of(dataset_id))
