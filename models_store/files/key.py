"""An artefact: a file by its key, a path of ids, numbers and fixed names.

`jobs/job_.../3/model.keras` belongs to the third attempt at a job.
"""

import re
from typing import NamedTuple

LEVELS = {"jobs": 2, "datasets": 1}
"""How many names below its kind a folder has: an attempt's, or a dataset's."""
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Artifact(NamedTuple):
    """A file as a store lists it."""

    key: str
    bytes: int
    age: float
    """Seconds since it was written."""

    @property
    def folder(self) -> str:
        """Of its attempt, or of its dataset."""
        parts = self.key.split("/")
        return "/".join(parts[: 1 + LEVELS[parts[0]]])


class Digest(NamedTuple):
    """What a file's bytes come to."""

    bytes: int
    sha256: str


def parts_of(key: str) -> list[str]:
    """The names in a key, none of which leads anywhere else.

    Raises:
        ValueError: it is no key.
    """
    parts = key.split("/")
    for part in parts:
        if not _PART.fullmatch(part):
            raise ValueError(f"'{part}' cannot be a part of a key")
    return parts
