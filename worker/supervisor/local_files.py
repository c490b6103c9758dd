"""Local copies of the files that a job reads from the store."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from domain.errors import Damaged, GraphfitError, NotFound
from domain.job.plan import PinnedDataset, PinnedModel
from models_store.files.disk import hash_file
from models_store.files.store import ArtifactStore
from models_store.records.checkpoints import Checkpoint
from models_store.records.datasets import column_key


class CheckpointLost(GraphfitError):
    """The checkpoint cannot be read; the job must start again from its first epoch."""


class LocalFiles:
    """Fetches files from the store and keeps them until `stack` is closed.

    Every method raises NotFound for a missing file, StorageFull if this machine has no room,
    and Busy if the store does not answer.
    """

    def __init__(self, store: ArtifactStore, stack: ExitStack) -> None:
        self._store = store
        self._stack = stack

    def fetch_columns(self, dataset: PinnedDataset) -> Mapping[str, Path]:
        """Returns the `.npy` file of each pinned column, by column name."""
        return {
            name: self._fetch(column_key(dataset.id, index), dataset.hashes.get(name))
            for name, index in dataset.columns.items()
        }

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

    def _fetch_and_verify(self, pinned: PinnedModel | Checkpoint) -> Path:
        """Returns the path after a comparison of the hash; the file is read completely anyway."""
        path = self._fetch(pinned.artifact, pinned.sha256)
        if hash_file(path) != pinned.sha256:
            raise Damaged(path.name)
        return path

    def _fetch(self, key: str, sha256: str | None) -> Path:
        return self._stack.enter_context(self._store.fetch(key, sha256))
