"""Local copies of the files that a job reads from the store."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from domain.errors import Damaged, GraphfitError, NotFound
from domain.job.plan import PinnedDataset, PinnedModel
from domain.upload import Upload
from models_store.datasets.columns.file import ROWS, VALUES, ArrayFile, get_offset
from models_store.files.disk import hash_file
from models_store.files.store import ArtifactStore
from models_store.records.checkpoints import Checkpoint
from models_store.records.datasets import column_key, index_key
from models_store.records.job_parts import JobPart
from models_store.records.uploads import StoredUpload
from worker.protocol.tasks import ColumnFiles

MOST_PARTS = 256
"""Parts of an upload that are read where they are."""


class CheckpointLost(GraphfitError):
    """The checkpoint cannot be read; the job must start again from its first epoch."""


class LocalFiles:
    """Fetches files from the store and keeps them until `stack` is closed.

    Every method raises NotFound for a missing file, StorageFull if this machine has no room,
    and Busy if the store does not answer.
    """

    def __init__(
        self, store: ArtifactStore, stack: ExitStack, get_upload: Callable[[str], StoredUpload]
    ) -> None:
        """Fetches nothing yet.

        Args:
            store: The store.
            stack: Its end releases the files.
            get_upload: Returns an upload with its parts by its id.
        """
        self._store = store
        self._stack = stack
        self._get_upload = get_upload
        self._paths: dict[str, Path] = {}

    def fetch_upload(self, upload_id: str, folder: Path) -> tuple[Upload, list[Path]]:
        """Returns an upload, and its parts in their order.

        Many parts are joined to one file, since each file in the cache needs a descriptor.

        Args:
            upload_id: The upload.
            folder: A folder for the joined file.
        """
        upload, parts = self._get_upload(upload_id)
        if len(parts) <= MOST_PARTS:
            return upload, [self._fetch(part.artifact, part.sha256) for part in parts]
        joined = folder / "upload"
        with joined.open("wb") as target:
            for part in parts:
                with (
                    self._store.fetch(part.artifact, part.sha256) as path,
                    path.open("rb") as source,
                ):
                    shutil.copyfileobj(source, target)
        return upload, [joined]

    def fetch_columns(self, dataset: PinnedDataset) -> Mapping[str, ColumnFiles]:
        """Returns the files of each pinned column, by column name."""
        return {
            name: self._fetch_column(dataset, name, index)
            for name, index in dataset.columns.items()
        }

    def _fetch_column(self, dataset: PinnedDataset, name: str, index: int) -> ColumnFiles:
        described = dataset.described.get(name)
        if described is None:  # the plan of an older release
            path = self._fetch(column_key(dataset.id, index), dataset.hashes.get(name))
            array = np.load(path, mmap_mode="r")
            return ColumnFiles(array.dtype.name, array.shape[1:], {VALUES: path})
        files = {}
        for part, sha256 in described.parts.items():
            place = described.places.get(part)
            path = self._fetch(column_key(dataset.files_id, index, part, place), sha256)
            files[part] = ArrayFile(path, get_offset(place))
        if dataset.view is not None:
            path = self._fetch(index_key(dataset.id), dataset.view.index.sha256)
            files[ROWS] = ArrayFile(path)
        return ColumnFiles(described.dtype, tuple(described.shape), files)

    def fetch_weights(self, pinned: PinnedModel) -> Path:
        """Returns the path of a model's `model.safetensors`.

        Raises:
            Damaged: its bytes are not those that were written.
        """
        return self._fetch_and_verify(pinned)

    def fetch_checkpoint(self, checkpoint: Checkpoint) -> Path:
        """Returns the path of a checkpoint.

        Raises:
            CheckpointLost: the file is missing or damaged.
        """
        try:
            return self._fetch_and_verify(checkpoint)
        except NotFound as missing:
            raise CheckpointLost(missing.detail) from missing

    def fetch_parts(self, parts: Sequence[JobPart]) -> list[Path]:
        """Returns the paths of the rows that a job has computed, in their order.

        Raises:
            CheckpointLost: a file is missing or damaged.
        """
        try:
            return [self._fetch_and_verify(part) for part in parts]
        except NotFound as missing:
            raise CheckpointLost(missing.detail) from missing

    def _fetch_and_verify(self, pinned: PinnedModel | Checkpoint | JobPart) -> Path:
        """Returns the path after a comparison of the hash; the file is read completely anyway."""
        path = self._fetch(pinned.artifact, pinned.sha256)
        if hash_file(path) != pinned.sha256:
            raise Damaged(path.name)
        return path

    def _fetch(self, key: str, sha256: str | None) -> Path:
        """Fetches a file once; many columns may share it."""
        if key not in self._paths:
            self._paths[key] = self._stack.enter_context(self._store.fetch(key, sha256))
        return self._paths[key]
