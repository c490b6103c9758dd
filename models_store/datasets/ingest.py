"""Reads the body of a dataset and publishes its columns in the artifact store."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from domain.dataset import Dataset
from domain.errors import Invalid, NotJson
from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from models_store.datasets.columns.npy import BLOCK_BYTES
from models_store.datasets.formats.body import Source
from models_store.datasets.staging import HashingSource, StagedDataset, read_dataset
from models_store.files.key import NewFile
from models_store.files.store import ArtifactStore
from models_store.records.datasets import folder_of


@contextmanager
def stage(
    store: ArtifactStore,
    dataset_id: str,
    media_type: str,
    source: Source,
    limit: int,
    name: str | None = None,
    options: ReadOptions = DEFAULT_OPTIONS,
) -> Iterator[StagedDataset]:
    """Reads a body to its end into files that exist inside the `with` block.

    Args:
        store: The artifact store.
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
        StorageFull: The disk is full; no file was kept.
    """
    with store.scratch(dataset_id) as folder:
        yield read_dataset(folder, dataset_id, media_type, source, limit, name, options)


def ingest(
    store: ArtifactStore,
    dataset_id: str,
    media_type: str,
    source: Source,
    limit: int,
    name: str | None = None,
    options: ReadOptions = DEFAULT_OPTIONS,
    verify: Callable[[], None] | None = None,
) -> Dataset:
    """Reads a body to its end and publishes its columns. The caller inserts the row.

    It takes the arguments of `stage`, and raises the same errors.

    Args:
        verify: Raises an error if the body is not the one that the client sent, which matters
            more than a fault in the body.
    """
    check = verify or _accept
    try:
        with stage(store, dataset_id, media_type, source, limit, name, options) as staged:
            check()
            publish(store, staged)
            return staged.record
    except (Invalid, NotJson):
        check()
        raise


def _accept() -> None:
    """Accepts a body whose hash the client did not send."""


def hash_to_end(source: Source) -> str:
    """Reads a body to its end and returns its hash; stores nothing."""
    with closing(HashingSource(source)) as hashing:
        while hashing.read(BLOCK_BYTES):
            pass
        return hashing.sha256


def publish(store: ArtifactStore, staged: StagedDataset) -> None:
    """Publishes the columns of a dataset: all of them, or none."""
    folder = folder_of(staged.record.id)
    files = [NewFile(file.path, f"{folder}/{file.name}", file.sha256) for file in staged.files]
    try:
        store.publish_all(files)
    except BaseException:
        discard(store, staged.record.id)
        raise


def discard(store: ArtifactStore, dataset_id: str) -> None:
    """Deletes the files of a dataset that has no row in the database."""
    store.delete_prefix(folder_of(dataset_id))
