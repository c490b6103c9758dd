"""Compares the files with what rows say of them: after a restore, or whenever one doubts."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Subquery, select

from domain.errors import NotFound
from models_store.database.engine import Database
from models_store.files.store import ArtifactStore
from models_store.maintenance.references import IDS, KINDS, FilesOf, Named

BATCH = 100
"""Datasets or jobs that are looked up at once."""


class Verified(NamedTuple):
    """A file that a row names."""

    key: str
    fault: str | None
    """What is wrong with it; None for a file that is as its row says."""


def verify(database: Database, store: ArtifactStore) -> Iterator[Verified]:
    """Reads every file that a row names to its end. The service may go on beside it.

    Raises:
        Busy: the database or the store does not answer.
    """
    for kind, files_of in KINDS.items():
        for file in _named(database, IDS[kind], files_of):
            fault = _fault(store, file)
            if fault is None or _is_named(database, file, files_of):
                yield Verified(file.key, fault)


def _named(database: Database, ids: Subquery, files_of: FilesOf) -> Iterator[Named]:
    last = ""
    while True:
        batch = select(ids.c.id).where(ids.c.id > last).order_by(ids.c.id).limit(BATCH)
        with database.read() as connection:
            found = connection.scalars(batch).all()
            files = list(files_of(connection, found))
        if not found:
            return
        yield from files
        last = found[-1]


def _fault(store: ArtifactStore, file: Named) -> str | None:
    try:
        kept = store.digest(file.key)
    except NotFound:
        return "it is missing"
    if file.bytes is not None and kept.bytes != file.bytes:
        return f"it has {kept.bytes} bytes, its row says {file.bytes}"
    if file.sha256 is not None and kept.sha256 != file.sha256:
        return "it is damaged: its sha256 is not its row's"
    return None


def _is_named(database: Database, file: Named, files_of: FilesOf) -> bool:
    """Still: what was deleted, or overtaken by a new checkpoint, may be gone."""
    with database.read() as connection:
        return file.key in {other.key for other in files_of(connection, [file.key.split("/")[1]])}
