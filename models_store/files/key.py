"""The keys of stored files.

A key is a path of ids, numbers and fixed names. `jobs/job_.../3/model.keras` belongs to the third
attempt at a job.
"""

import re
from pathlib import Path
from typing import NamedTuple

LEVELS = {"jobs": 2, "datasets": 1, "uploads": 1}
"""Number of names after the kind in the path of the folder of an attempt, dataset or upload."""
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Artifact(NamedTuple):
    """A file in the listing of a store."""

    key: str
    bytes: int
    age: float
    """Seconds since the file was written."""

    @property
    def folder(self) -> str:
        """The folder of its attempt, its dataset or its upload."""
        parts = self.key.split("/")
        return "/".join(parts[: 1 + LEVELS[parts[0]]])


class NewFile(NamedTuple):
    """A file in `scratch` that is to be published."""

    source: Path
    key: str
    sha256: str


class Digest(NamedTuple):
    """Size and hash of a file."""

    bytes: int
    sha256: str


def split_key(key: str) -> list[str]:
    """Splits a key into its names, which cannot lead out of the store.

    Raises:
        ValueError: The key is malformed.
    """
    parts = key.split("/")
    for part in parts:
        if not _PART.fullmatch(part):
            raise ValueError(f"'{part}' cannot be a part of a key")
    return parts
