"""Files that belong to datasets and jobs, by key: wherever they are kept."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from models_store.files.cache import Cache
from models_store.files.key import Artifact, Digest
from models_store.files.local import LocalArtifacts
from models_store.files.s3 import BucketArtifacts
from models_store.files.s3_client import bucket_of
from models_store.files.scratch import Scratch
from models_store.settings import Settings


class StoredFile(Protocol):
    """A file in the store, open for reading."""

    size: int
    """Bytes."""

    def read(self, start: int, size: int) -> bytes:
        """Reads bytes `start` to `start + size`, fewer at the end of the file.

        Raises:
            NotFound: The file was deleted in the meantime.
            Damaged: Reads in order from the first byte reached the end of the file, and the
                sha256 of the file is wrong.
            Busy: The store does not answer.
        """
        ...


class ArtifactStore(Protocol):
    """Keeps files whole: what is found under a key was published complete.

    Every call may raise `Busy`, when the store does not answer.
    """

    kind: str
    """What it is, in a word."""

    def fetch(self, key: str, sha256: str | None = None) -> AbstractContextManager[Path]:
        """A local path of the file, to be read and not written, for as long as the context lasts.

        Args:
            key: Of the file.
            sha256: What a row says of it, where one does: what has to be fetched is checked.

        Raises:
            NotFound: nothing is kept under this key, or what is kept is damaged.
            StorageFull: this machine has no room for it.
        """
        ...

    def open(self, key: str, sha256: str) -> AbstractContextManager[StoredFile]:
        """Opens a file for reads of ranges, which copy nothing to this machine's disk.

        Args:
            key: The key of the file.
            sha256: The hash in the file's row.

        Raises:
            NotFound: There is no file with this key.
        """
        ...

    def read(self, key: str, start: int, size: int) -> bytes:
        """Reads a range of a file without a check of its hash; shorter at the end of the file.

        Raises:
            NotFound: There is no file with this key.
        """
        ...

    def digest(self, key: str) -> Digest:
        """Size and hash of what is kept, which is read to its end.

        Raises:
            NotFound: nothing is kept under this key.
        """
        ...

    def publish(self, source: Path, key: str, sha256: str) -> None:
        """Moves a file from `scratch` to its key in one step, and syncs it to the disk.

        Does nothing if an earlier call has moved the file, so that a caller may repeat a call
        whose answer was lost.

        Args:
            source: The file.
            key: Its key.
            sha256: The hash of the file. The store does not compute it again: a wrong hash is
                found when the file is fetched.

        Raises:
            StorageFull: There is no room; nothing is stored under the key.
        """
        ...

    def scratch(self, prefix: str) -> AbstractContextManager[Path]:
        """A folder to write in on this machine's disk, removed at the end."""
        ...

    def sweep_scratch(self, grace_seconds: float) -> int:
        """Deletes what killed processes left on this machine; gives how many folders."""
        ...

    def files(self, kind: str) -> Iterator[Artifact]:
        """Every file of `jobs` or `datasets`, in no order."""
        ...

    def delete_prefix(self, prefix: str) -> None:
        """Deletes a file, or every file of a folder; one that is not there is no fault."""
        ...

    def check(self) -> None:
        """Nothing, when the store answers."""
        ...


def open_store(settings: Settings) -> ArtifactStore:
    """The store that the settings name.

    Raises:
        ValueError: `ARTIFACTS_URL` is of no kind that is known.
    """
    url = settings.resolved_artifacts_url
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc:
        cache = Cache(settings.data_folder / "cache", settings.cache_bytes)
        scratch = Scratch(settings.data_folder / "scratch")
        return BucketArtifacts(bucket_of(settings, parts.netloc, parts.path), scratch, cache)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return LocalArtifacts(Path(unquote(parts.path)))
    raise ValueError(
        f"ARTIFACTS_URL must be like file:///folder or s3://bucket/prefix; it is '{url}'"
    )
