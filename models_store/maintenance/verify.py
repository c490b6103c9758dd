"""Compares every file with its row, for example after a restore."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Subquery, select

from domain.errors import NotFound
from models_store.database.engine import Database
from models_store.files.store import ArtifactStore
from models_store.maintenance.references import IDS, KINDS, FileReference, GetFiles

BATCH = 100
"""Datasets or jobs whose rows one query reads."""


class CheckedFile(NamedTuple):
    """A file to which a row refers, and the result of its check."""

    key: str
    fault: str | None
    """The difference from the row; None if there is none."""


def verify(database: Database, store: ArtifactStore) -> Iterator[CheckedFile]:
    """Reads and checks every file to which a row refers. The service may run meanwhile.

    Raises:
        Busy: The database or the store does not answer.
    """
    for kind, get_files in KINDS.items():
        for file in _get_references(database, IDS[kind], get_files):
            fault = _find_fault(store, file)
            if fault is None or _is_referenced(database, file, get_files):
                yield CheckedFile(file.key, fault)


def _get_references(
    database: Database, ids: Subquery, get_files: GetFiles
) -> Iterator[FileReference]:
    last = ""
    while True:
        batch = select(ids.c.id).where(ids.c.id > last).order_by(ids.c.id).limit(BATCH)
        with database.read() as connection:
            found = connection.scalars(batch).all()
            files = list(get_files(connection, found))
        if not found:
            return
        yield from files
        last = found[-1]


def _find_fault(store: ArtifactStore, file: FileReference) -> str | None:
    try:
        digest = store.digest(file.key)
    except NotFound:
        return "it is missing"
    if file.bytes is not None and digest.bytes != file.bytes:
        return f"it has {digest.bytes} bytes instead of {file.bytes}"
    if file.sha256 is not None and digest.sha256 != file.sha256:
        return "it is damaged: its sha256 differs from the one in its row"
    return None


def _is_referenced(database: Database, file: FileReference, get_files: GetFiles) -> bool:
    """Whether a row still refers to the file; it may have been deleted since."""
    with database.read() as connection:
        return file.key in {other.key for other in get_files(connection, [file.key.split("/")[1]])}
