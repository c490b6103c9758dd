"""Takes in a dataset: from the bytes of a body to published columns."""

import hashlib
from datetime import UTC, datetime

from domain.dataset import Column, Dataset
from models_store.datasets.formats.body import Body, Source
from models_store.datasets.formats.npy import BLOCK_BYTES
from models_store.datasets.formats.registry import FORMATS
from models_store.files.disk import hash_file
from models_store.files.store import ArtifactStore
from models_store.records.datasets import column_key, folder_of


class _Hashed:
    """Hashes what is read of a body."""

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
    """Reads a body to its end and publishes its columns; the row is the caller's to insert.

    Args:
        media_type: One of `FORMATS`.
        limit: Bytes that the arrays may have, where the body packs them.
        name: Of the dataset, unless the body gives one.

    Raises:
        NotJson: a body of JSON is none.
        Invalid: everything that is wrong with the body.
        TooLarge: the arrays are larger than the limit.
        StorageFull: there is no room; nothing was kept.
    """
    hashed = _Hashed(source)
    with store.scratch(dataset_id) as folder:
        body = FORMATS[media_type].read(hashed, folder, limit)
        columns = _published(store, dataset_id, body)
    return Dataset(
        id=dataset_id,
        name=name if body.name is None else body.name,
        rows=body.rows,
        bytes=body.nbytes,
        sha256=hashed.sha256,
        columns=columns,
        created_at=datetime.now(UTC),
    )


def sha256_to_end(source: Source) -> str:
    """The hash of a body that is not kept again."""
    hashed = _Hashed(source)
    while hashed.read(BLOCK_BYTES):
        pass
    return hashed.sha256


def _published(store: ArtifactStore, dataset_id: str, body: Body) -> list[Column]:
    columns = []
    try:
        for index, written in enumerate(body.columns):
            sha256 = hash_file(written.path)
            store.publish(written.path, column_key(dataset_id, index), sha256)
            columns.append(written.column.model_copy(update={"sha256": sha256}))
    except BaseException:
        discard(store, dataset_id)
        raise
    return columns


def discard(store: ArtifactStore, dataset_id: str) -> None:
    """Deletes the columns of a dataset that no row names, or none any more."""
    store.delete_prefix(folder_of(dataset_id))
