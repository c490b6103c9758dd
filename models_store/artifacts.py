"""Files that belong to datasets and jobs, by key: wherever they are kept."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from models_store.artifacts_local import LocalArtifacts


class ArtifactStore(Protocol):
    """Keeps files whole: what `fetch` finds was published complete.

    A key is a path of ids, numbers and fixed names (`jobs/job_.../3/model.keras`).
    """

    def fetch(self, key: str) -> Path:
        """A local path of the file, to be read and not written.

        Raises:
            NotFound: nothing is kept under this key.
        """
        ...

    def publish(self, source: Path, key: str) -> None:
        """Moves a file out of `scratch` to its key, durably and all at once.

        Raises:
            StorageFull: there is no room; nothing is kept under the key.
        """
        ...

    def scratch(self, prefix: str) -> AbstractContextManager[Path]:
        """A folder to write in, removed at the end."""
        ...

    def prefixes(self, kind: str) -> Iterator[tuple[str, float]]:
        """Each folder of a kind, and the seconds since anything in it changed.

        Args:
            kind: `jobs` gives each attempt (`jobs/job_.../3`), `datasets` each dataset,
                `scratch` what killed processes left.
        """
        ...

    def delete_prefix(self, prefix: str) -> None:
        """Deletes every file below a prefix; one that is not there is no fault."""
        ...


def open_store(url: str) -> ArtifactStore:
    """The store that a URL names.

    Raises:
        ValueError: the URL is not of a kind that is known.
    """
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path:
        raise ValueError(f"ARTIFACTS_URL must be like file:///folder; it is '{url}'")
    return LocalArtifacts(Path(unquote(parts.path)))


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
