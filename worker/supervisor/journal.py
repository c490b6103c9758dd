"""Writes what a training process says into the store, batch by batch, under the fence."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Connection

from domain.errors import GraphfitError
from domain.job.job import Epoch, JobError
from domain.model import ModelFile
from models_store.database.engine import Database
from models_store.files.store import ArtifactStore
from models_store.jobs import attempts
from models_store.jobs.claims import Claim
from models_store.records.checkpoints import Checkpoint
from worker.protocol.machine import differences, told
from worker.protocol.messages import (
    Checkpointed,
    EpochEnded,
    Failed,
    Finished,
    FromChild,
    Started,
    Stepped,
    Warned,
)
from worker.supervisor.progress import Estimate

log = logging.getLogger(__name__)

LAST_WORDS = (Finished, Failed)
FILES_AT_ONCE = 4
"""On their way to the store: a bucket is far, and a model has as many."""


class Journal:
    """One attempt's messages, in order; each batch is one transaction."""

    def __init__(
        self,
        claim: Claim,
        database: Database,
        store: ArtifactStore,
        folder: Path,
        environment_key: str,
    ) -> None:
        self._claim = claim
        self._database = database
        self._store = store
        self._folder = folder
        self._environment_key = environment_key if claim.deterministic else None
        self._epoch = claim.checkpoint.epoch if claim.checkpoint else 0
        self._steps = 0
        self._published: set[str] = set()
        self._kept = claim.checkpoint.artifact if claim.checkpoint else None
        self._stale: list[str] = []
        epochs = claim.fit.epochs if claim.plan.recipe else 0
        self._estimate = Estimate(epochs, time.monotonic)

    def write(self, messages: Sequence[FromChild]) -> None:
        """Files first, then every row of the batch, together; may be repeated until it succeeds.

        Raises:
            LeaseLost: nothing of the batch was written.
            Busy: nothing of it was written, or its success could not be told.
            StorageFull: nothing of it was written.
        """
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            list(pool.map(self._publish, _files_of(messages)))  # raises what the first one raised
        with self._database.write() as connection:
            for message in _without_stale_steps(messages):
                self._record(connection, message)
        for message in messages:
            if isinstance(message, EpochEnded | Checkpointed) and message.checkpoint is not None:
                self._keep(self._key(message.checkpoint))
        last = messages[-1]
        if isinstance(last, LAST_WORDS):
            log.info("%s: %s", self._claim.job_id, _told(last))
            self._keep(None)
        self._tidy()

    def _publish(self, file: ModelFile) -> None:
        """Moves a file into the store, once: a batch that is written again finds it there."""
        key = self._key(file)
        if key not in self._published:
            self._store.publish(self._folder / file.name, key, file.sha256)
            self._published.add(key)

    def _keep(self, checkpoint: str | None) -> None:
        """This checkpoint is named by a row now, and the one before it by none."""
        if self._kept is not None:
            self._stale.append(self._kept)
        self._kept = checkpoint

    def _tidy(self) -> None:
        """Deletes what no row names any more, or tries to: it is in nobody's way."""
        try:
            while self._stale:
                self._store.delete_prefix(self._stale[-1])
                self._stale.pop()
        except (GraphfitError, OSError) as error:
            log.warning("an old checkpoint stays for now: %s", error)

    def _key(self, file: ModelFile) -> str:
        return str(self._claim.folder / file.name)

    def _record(self, connection: Connection, message: FromChild) -> None:
        match message:
            case Started():
                self._epoch, self._steps = message.epoch, message.steps
                self._start(connection, message)
                progress = self._estimate.at(message.epoch, message.step, message.steps)
                attempts.progressed(connection, self._claim, progress, {})
            case Checkpointed():
                self._checkpoint(connection, message)
            case Stepped():
                progress = self._estimate.at(message.epoch, message.step, message.steps)
                attempts.progressed(connection, self._claim, progress, dict(message.metrics))
            case EpochEnded():
                self._end_epoch(connection, message)
            case Warned():
                attempts.warned(connection, self._claim, message.text)
            case Finished():
                self._succeed(connection, message)
            case Failed():
                attempts.failed(connection, self._claim, error_of(message))

    def _start(self, connection: Connection, message: Started) -> None:
        """An attempt that goes on elsewhere may end in other bits than those of its first."""
        here, first = dict(message.environment), self._claim.environment
        if first is None or (message.epoch, message.step) == (0, 0):
            attempts.started(connection, self._claim, here)
        elif self._claim.deterministic and (unlike := differences(first, here)):
            attempts.inexact(connection, self._claim, told(unlike))
            self._environment_key = None

    def _end_epoch(self, connection: Connection, message: EpochEnded) -> None:
        self._epoch = message.epoch
        epoch = Epoch(epoch=message.epoch, seconds=message.seconds, metrics=dict(message.metrics))
        progress = self._estimate.at(message.epoch, 0, self._steps)
        checkpoint = self._row_of(message.checkpoint, message.epoch, 0)
        key = self._environment_key
        attempts.epoch_ended(connection, self._claim, epoch, progress, checkpoint, key)

    def _checkpoint(self, connection: Connection, message: Checkpointed) -> None:
        progress = self._estimate.at(message.epoch, message.step, message.steps)
        attempts.progressed(connection, self._claim, progress, {})
        checkpoint = self._row_of(message.checkpoint, message.epoch, message.step)
        if checkpoint is not None:
            attempts.checkpointed(connection, self._claim, checkpoint, self._environment_key)

    def _row_of(self, file: ModelFile | None, epoch: int, step: int) -> Checkpoint | None:
        return None if file is None else Checkpoint(epoch, step, self._key(file), file.sha256)

    def _succeed(self, connection: Connection, message: Finished) -> None:
        attempts.succeeded(
            connection,
            self._claim,
            self._estimate.finished(self._epoch),
            dict(message.metrics),
            message.files,
            message.files_left_out,
        )


def _told(last: Finished | Failed) -> str:
    return "succeeded" if isinstance(last, Finished) else f"failed: {last.title}"


def _files_of(messages: Iterable[FromChild]) -> Iterator[ModelFile]:
    for message in messages:
        if isinstance(message, Finished):
            yield from message.files
        elif isinstance(message, EpochEnded | Checkpointed) and message.checkpoint is not None:
            yield message.checkpoint


def _without_stale_steps(messages: Sequence[FromChild]) -> list[FromChild]:
    """A progress report that a later message of the batch overtakes is not worth a write."""
    last = messages[-1:]
    return [m for m in messages[:-1] if not isinstance(m, Stepped)] + list(last)


def error_of(message: Failed) -> JobError:
    """A failure as the client is told of it."""
    return JobError(
        type=message.type,
        title=message.title,
        detail=message.detail,
        category=message.category,
        pointer=message.pointer,
    )
