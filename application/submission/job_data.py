"""The datasets that a job request brings with it: they are read, and stored with the job."""

import io
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection

from domain.dataset import Dataset
from domain.errors import Conflict, Fault, Invalid, NotJson, StorageFull
from domain.job.job import JobRequest
from models_store.datasets.ingest import discard, publish, stage
from models_store.datasets.staging import StagedDataset
from models_store.files.store import ArtifactStore
from models_store.ids import new_id
from models_store.records import datasets

MEDIA_TYPE = "application/json"
VALUE_BYTES = 8
"""The most bytes of a value, which takes at least one byte of text."""
SMALL_BYTES = 64 << 20
"""Bytes that any dataset may take: rows may lack keys that take bytes in the columns."""


@dataclass(frozen=True)
class JobData:
    """A job request whose datasets all have ids, and those of them that it brings."""

    request: JobRequest
    sent: dict[str, Any]
    """The request as it was sent, with ids in place of the datasets that it brings."""
    staged: list[StagedDataset]
    """The datasets that the request brings; they are not stored."""

    @property
    def records(self) -> dict[str, Dataset]:
        """The datasets that the request brings, by id."""
        return {staged.record.id: staged.record for staged in self.staged}

    @contextmanager
    def publishing(self, store: ArtifactStore) -> Iterator[None]:
        """Publishes the files, for the transaction in the `with` block that stores the rows.

        If the transaction is refused, the files are deleted. After any other error the rows may
        exist; the sweep deletes the files that have no row.
        """
        try:
            for staged in self.staged:
                publish(store, staged)
            yield
        except (Conflict, Invalid, StorageFull):
            for staged in self.staged:
                discard(store, staged.record.id)
            raise

    def insert(self, connection: Connection, owner: str) -> None:
        """Inserts the rows of the datasets, in the transaction that stores the job."""
        for staged in self.staged:
            datasets.insert(connection, owner, staged.record)


@contextmanager
def stage_data(
    store: ArtifactStore, request: JobRequest, sent: dict[str, Any], texts: Mapping[str, bytes]
) -> Iterator[JobData]:
    """Reads the datasets that a request brings into files that exist inside the `with` block.

    Args:
        store: The artifact store.
        request: The parsed request.
        sent: The request as it was sent, without the datasets in `texts`.
        texts: The JSON of datasets, by field.

    Raises:
        NotJson: The text of a dataset is not JSON.
        Invalid: A dataset has faults; each fault has its place in `sent`.
        StorageFull: The disk is full.
    """
    with ExitStack() as stack:
        faults: list[Fault] = []
        staged: dict[str, StagedDataset] = {}
        for field, body in request.dataset_bodies.items():
            text = texts.get(field) or to_json(body.root)
            try:
                staged[field] = stack.enter_context(_stage(store, text))
            except NotJson as error:
                raise NotJson(f"In the object of `{field}`: {error.detail}") from error
            except Invalid as invalid:
                faults += [fault.at(f"/{field}{fault.pointer}") for fault in invalid.faults]
        if faults:
            raise Invalid(faults)
        ids = {field: dataset.record.id for field, dataset in staged.items()}
        named = request.model_copy(update=ids)
        yield JobData(named, {**sent, **ids}, list(staged.values()))


def _stage(store: ArtifactStore, text: bytes) -> AbstractContextManager[StagedDataset]:
    limit = max(VALUE_BYTES * len(text), SMALL_BYTES)
    return stage(store, new_id("dataset"), MEDIA_TYPE, io.BytesIO(text), limit)
