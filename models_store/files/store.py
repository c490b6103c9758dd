"""The interface of the stores of files, which a folder or a bucket implements."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from models_store.files.cache import Cache
from models_store.files.key import Artifact, Digest, NewFile
from models_store.files.local import LocalArtifacts
from models_store.files.s3 import BucketArtifacts
from models_store.files.s3_client import open_bucket
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
    """Stores complete files under keys.

    Every method may raise `Busy` if the store does not answer.
    """

    kind: str
    """`file` or `s3`, shown by `GET /v1/info`."""

    def fetch(self, key: str, sha256: str | None = None) -> AbstractContextManager[Path]:
        """Gives a local path of the file, which is valid inside the `with` block and only read.

        Args:
            key: The key of the file.
            sha256: The hash in the file's row, if it has one; a downloaded file is checked.

        Raises:
            NotFound: There is no file with this key, or it is damaged.
            StorageFull: This machine has no room for the file.
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
        """Reads a whole file. Returns its size and hash.

        Raises:
            NotFound: There is no file with this key.
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

    def publish_all(self, files: Sequence[NewFile]) -> None:
        """Publishes several files as `publish` does, at less cost a file.

        Args:
            files: The files, each with its key and its hash.

        Raises:
            StorageFull: There is no room; some of the files may be stored.
        """
        ...

    def scratch(self, prefix: str) -> AbstractContextManager[Path]:
        """Creates a temporary folder on this machine's disk, removed at the end of the block."""
        ...

    def sweep_scratch(self, grace_seconds: float) -> int:
        """Deletes temporary folders of killed processes on this machine. Returns their number."""
        ...

    def files(self, kind: str) -> Iterator[Artifact]:
        """Lists every file of `jobs`, `datasets` or `uploads`, in no order."""
        ...

    def delete_prefix(self, prefix: str) -> None:
        """Deletes a file, or all files of a folder; does nothing if there is none."""
        ...

    def check(self) -> None:
        """Checks that the store answers."""
        ...


def open_store(settings: Settings) -> ArtifactStore:
    """Opens the store of the settings.

    Raises:
        ValueError: `ARTIFACTS_URL` has an unknown form.
    """
    url = settings.resolved_artifacts_url
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc:
        cache = Cache(settings.data_folder / "cache", settings.cache_bytes)
        scratch = Scratch(settings.data_folder / "scratch")
        return BucketArtifacts(
            open_bucket(settings.bucket, parts.netloc, parts.path), scratch, cache
        )
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return LocalArtifacts(Path(unquote(parts.path)))
    raise ValueError(
        f"ARTIFACTS_URL must be like file:///folder or s3://bucket/prefix; it is '{url}'"
    )
