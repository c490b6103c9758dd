"""Records the messages of a training process in the store, in batches, under the job's fence."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Connection

from domain.errors import GraphfitError
from domain.job.job import Epoch, JobError
from domain.job.outcome import DatasetMade
from domain.model import ModelFile
from domain.upload import ETAG, FILETYPE
from models_store.database.engine import Database
from models_store.files.key import NewFile
from models_store.files.store import ArtifactStore
from models_store.jobs import attempts, leases
from models_store.jobs.claims import Claim
from models_store.records import datasets, uploads
from models_store.records.checkpoints import Checkpoint
from models_store.records.job_parts import JobPart
from models_store.records.kept_checkpoints import NewCheckpoint
from models_store.records.uploads import Part
from worker.protocol.machine import list_differences, make_environment_warning
from worker.protocol.messages import (
    Checkpointed,
    Computed,
    Downloaded,
    EpochEnded,
    Failed,
    FetchRestarted,
    Finished,
    FromChild,
    Kept,
    OfImport,
    Read,
    Started,
    Stepped,
    Warned,
)
from worker.supervisor.progress import Estimate

log = logging.getLogger(__name__)

FINAL = (Finished, Failed)
"""The messages after which a training process sends nothing more."""
PROGRESSED = {"losses": 0, "deaths": 0, "setbacks": 0}
"""Counters of retries that a stored part of a file resets, as a checkpoint does."""
UPLOADS_AT_ONCE = 4
"""Files that are published in parallel: a bucket has a high latency, a model several files."""


class Recorder:
    """Records one attempt's messages in order; each batch is one transaction."""

    def __init__(
        self,
        claim: Claim,
        database: Database,
        store: ArtifactStore,
        folder: Path,
        environment_key: str,
    ) -> None:
        """Records nothing yet.

        Args:
            claim: The claimed job.
            database: The database with its rows.
            store: The store for its files.
            folder: The folder in which the training process writes its files.
            environment_key: The key of this worker's environment.
        """
        self._claim = claim
        self._database = database
        self._store = store
        self._folder = folder
        self._environment_key = environment_key if claim.deterministic else None
        self._epoch = claim.checkpoint.epoch if claim.checkpoint else claim.initial_epoch
        self._steps = 0
        self._published: set[str] = set()
        self._current = claim.checkpoint.artifact if claim.checkpoint else None
        """The key of the checkpoint that a row names."""
        self._stale: list[str] = []
        """The keys of checkpoints that no row names any more."""
        self._dropped: list[str] = []
        """Those among them of the present transaction."""
        self._estimate = Estimate(claim.epochs, time.monotonic, claim.initial_epoch)

    def record(self, messages: Sequence[FromChild]) -> None:
        """Publishes the files of a batch, then writes its rows; may be repeated on failure.

        Raises:
            LeaseLost: no row of the batch was written.
            Busy: no row of it was written, or the commit was not confirmed.
            StorageFull: no row of it was written.
        """
        self._publish_files(messages)
        self._dropped = []
        with self._database.write() as connection:
            for message in _drop_stale_steps(messages):
                self._write(connection, message)
        self._stale += self._dropped
        for message in messages:
            if isinstance(message, EpochEnded | Checkpointed) and message.checkpoint is not None:
                self._replace_checkpoint(self._make_key(message.checkpoint))
        last = messages[-1]
        if isinstance(last, FINAL):
            log.info("%s: %s", self._claim.job_id, _describe(last))
            self._replace_checkpoint(None)
            self._stale += [part.artifact for part in self._claim.parts]
        self._delete_stale()

    def _publish_files(self, messages: Sequence[FromChild]) -> None:
        for message in messages:
            if isinstance(message, Downloaded):
                file = message.file
                source = self._folder / file.name
                self._store.publish(source, self._make_part(message).artifact, file.sha256)
        last = messages[-1]
        if isinstance(last, Finished) and isinstance(last.outcome, DatasetMade):
            self._publish_dataset(last.outcome)
            return
        with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            list(pool.map(self._publish, _list_files(messages)))  # raises the first error

    def _publish_dataset(self, made: DatasetMade) -> None:
        """Moves the columns of a new dataset into the store; a repeated batch finds them there."""
        folder = datasets.folder_of(made.dataset.id)
        self._store.publish_all(
            [
                NewFile(self._folder / file.name, f"{folder}/{file.name}", file.sha256)
                for file in made.files
            ]
        )

    def _publish(self, file: ModelFile) -> None:
        """Moves a file into the store once; a repeated batch finds it there."""
        key = self._make_key(file)
        if key not in self._published:
            self._store.publish(self._folder / file.name, key, file.sha256)
            self._published.add(key)

    def _replace_checkpoint(self, key: str | None) -> None:
        """Remembers the checkpoint that a row names now; the previous one becomes stale."""
        if self._current is not None:
            self._stale.append(self._current)
        self._current = key

    def _delete_stale(self) -> None:
        """Deletes stale checkpoints; on an error they stay until the next call."""
        try:
            while self._stale:
                self._store.delete_prefix(self._stale[-1])
                self._stale.pop()
        except (GraphfitError, OSError) as error:
            log.warning("an old checkpoint was not deleted yet: %s", error)

    def _make_key(self, file: ModelFile) -> str:
        return str(self._claim.folder / file.name)

    def _write(self, connection: Connection, message: FromChild) -> None:
        match message:
            case Started():
                self._epoch, self._steps = message.epoch, message.steps
                self._write_start(connection, message)
                progress = self._estimate.estimate(message.epoch, message.step, message.steps)
                attempts.update_progress(connection, self._claim, progress, {})
            case Computed() | Checkpointed():
                self._write_state(connection, message)
            case Stepped():
                progress = self._estimate.estimate(message.epoch, message.step, message.steps)
                metrics = dict(message.metrics)
                attempts.update_progress(connection, self._claim, progress, metrics)
            case Read() | Downloaded() | FetchRestarted():
                self._write_import(connection, message)
            case EpochEnded():
                self._write_epoch(connection, message)
            case Warned():
                attempts.warn(connection, self._claim, message.text)
            case Finished() | Failed():
                self._write_end(connection, message)

    def _write_end(self, connection: Connection, message: Finished | Failed) -> None:
        if isinstance(message, Failed):
            attempts.fail(connection, self._claim, make_job_error(message))
        else:
            progress = self._estimate.finish(self._epoch, self._steps)
            attempts.succeed(connection, self._claim, progress, message.outcome)

    def _write_import(self, connection: Connection, message: OfImport) -> None:
        """Writes the progress of an import, or a part that it has fetched into its upload."""
        if isinstance(message, Read):
            progress = self._estimate.estimate_import(message)
            attempts.update_progress(connection, self._claim, progress, {})
            return
        claim, upload = self._claim, self._claim.import_plan.upload
        leases.update_leased(connection, claim, dict(PROGRESSED), quiet=True)
        if isinstance(message, FetchRestarted):
            uploads.drop_parts(connection, claim.owner, upload)
            return
        stated = {FILETYPE: message.media_type, ETAG: message.validator}
        metadata = {name: text for name, text in stated.items() if text}
        part = self._make_part(message)
        uploads.add_fetched(connection, claim.owner, upload, part, message.total, metadata)

    def _make_part(self, message: Downloaded) -> Part:
        """Returns a part with a key of this attempt."""
        folder = uploads.folder_of(self._claim.import_plan.upload)
        key = f"{folder}/{self._claim.fence}-{message.file.name}"
        return Part(message.start, message.file.bytes, message.file.sha256, key)

    def _write_start(self, connection: Connection, message: Started) -> None:
        """Records the start; marks the result as inexact if the environment of a resume differs."""
        here, first = dict(message.environment), self._claim.environment
        if first is None or (message.epoch, message.step) == (self._claim.initial_epoch, 0):
            attempts.start(connection, self._claim, here)
        elif self._claim.deterministic and (changes := list_differences(first, here)):
            attempts.mark_inexact(connection, self._claim, make_environment_warning(changes))
            self._environment_key = None

    def _write_epoch(self, connection: Connection, message: EpochEnded) -> None:
        self._epoch = message.epoch
        epoch = Epoch(epoch=message.epoch, seconds=message.seconds, metrics=dict(message.metrics))
        progress = self._estimate.estimate(message.epoch, 0, self._steps)
        checkpoint = self._make_row(message.checkpoint, message.epoch, 0)
        key = self._environment_key
        if message.kept is not None:
            made = self._make_kept(message, message.kept)
            attempts.keep(connection, self._claim, made, message.kept.dropped)
        self._dropped += attempts.end_epoch(
            connection, self._claim, epoch, progress, checkpoint, key
        )

    def _write_state(self, connection: Connection, message: Computed | Checkpointed) -> None:
        """Writes where the next attempt goes on."""
        if isinstance(message, Computed):
            self._write_part(connection, message)
        else:
            self._write_checkpoint(connection, message)

    def _write_checkpoint(self, connection: Connection, message: Checkpointed) -> None:
        progress = self._estimate.estimate(message.epoch, message.step, message.steps)
        attempts.update_progress(connection, self._claim, progress, {})
        checkpoint = self._make_row(message.checkpoint, message.epoch, message.step)
        if checkpoint is not None:
            self._dropped += attempts.save_checkpoint(
                connection, self._claim, checkpoint, self._environment_key
            )

    def _make_kept(self, message: EpochEnded, kept: Kept) -> NewCheckpoint:
        metrics, key = dict(message.metrics), self._make_key(kept.file)
        return NewCheckpoint(message.epoch, kept.step, metrics, key, kept.file)

    def _write_part(self, connection: Connection, message: Computed) -> None:
        """Writes which rows of a `predict` job are computed."""
        progress = self._estimate.estimate(0, message.stop, message.steps)
        attempts.update_progress(connection, self._claim, progress, {})
        file = message.file
        key = self._make_key(file)
        part = JobPart(message.start, message.stop, file.bytes, file.sha256, key)
        attempts.save_part(connection, self._claim, part, self._environment_key)

    def _make_row(self, file: ModelFile | None, epoch: int, step: int) -> Checkpoint | None:
        return None if file is None else Checkpoint(epoch, step, self._make_key(file), file.sha256)


def _describe(last: Finished | Failed) -> str:
    return "succeeded" if isinstance(last, Finished) else f"failed: {last.title}"


def _list_files(messages: Iterable[FromChild]) -> Iterator[ModelFile]:
    for message in messages:
        if isinstance(message, Finished):
            yield from message.outcome.files
        elif isinstance(message, EpochEnded | Checkpointed) and message.checkpoint is not None:
            yield message.checkpoint
        elif isinstance(message, Computed):
            yield message.file
        if isinstance(message, EpochEnded) and message.kept is not None:
            yield message.kept.file


def _drop_stale_steps(messages: Sequence[FromChild]) -> list[FromChild]:
    """Drops progress reports that a later message of the batch makes obsolete."""
    current = [*messages[-1:], *[m for m in messages if isinstance(m, Read)][-1:]]
    return [
        message
        for message in messages
        if not isinstance(message, Stepped | Read) or any(message is kept for kept in current)
    ]


def make_job_error(message: Failed) -> JobError:
    """Returns the error that the job contains."""
    return JobError(
        type=message.type,
        title=message.title,
        detail=message.detail,
        category=message.category,
        pointer=message.pointer,
    )
