"""Writes what a training process says into the store, batch by batch, under the fence."""

import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from domain.job import Epoch, JobError
from domain.model import ModelFile
from models_store import attempts
from models_store.artifacts import ArtifactStore
from models_store.claims import Checkpoint, Claim
from models_store.database import Database
from worker.estimate import Estimate
from worker.messages import (
    EpochEnded,
    Failed,
    Finished,
    FromChild,
    Started,
    Stepped,
    Warned,
)

LAST_WORDS = (Finished, Failed)


class Journal:
    """One attempt's messages, in order; each batch is one transaction."""

    def __init__(
        self, claim: Claim, database: Database, store: ArtifactStore, folder: Path
    ) -> None:
        self._claim = claim
        self._database = database
        self._store = store
        self._folder = folder
        self._epoch = claim.checkpoint.epoch if claim.checkpoint else 0
        self._steps = 0
        self._kept = claim.checkpoint.artifact if claim.checkpoint else None
        epochs = claim.fit.epochs if claim.plan.recipe else 0
        self._estimate = Estimate(epochs, time.monotonic)

    def write(self, messages: Sequence[FromChild]) -> None:
        """Files first, then every row of the batch, together.

        Raises:
            LeaseLost: nothing of the batch was written.
        """
        kept = [key for message in messages if (key := self._publish(message)) is not None]
        with self._database.write() as connection:
            for message in _without_stale_steps(messages):
                self._record(connection, message)
        for checkpoint in kept:
            self._forget()
            self._kept = checkpoint
        if isinstance(messages[-1], LAST_WORDS):
            self._forget()

    def _publish(self, message: FromChild) -> str | None:
        """Moves the files a message names into the store; gives its checkpoint's key."""
        if isinstance(message, Finished):
            for file in message.files:
                self._store.publish(self._folder / file.name, self._key(file))
        elif isinstance(message, EpochEnded) and message.checkpoint is not None:
            file = message.checkpoint
            self._store.publish(self._folder / file.name, self._key(file))
            return self._key(file)
        return None

    def _key(self, file: ModelFile) -> str:
        return str(self._claim.folder / file.name)

    def _forget(self) -> None:
        """Deletes the file of a checkpoint that no row names any more."""
        if self._kept is not None:
            self._store.delete_prefix(self._kept)
        self._kept = None

    def _record(self, connection: Connection, message: FromChild) -> None:
        match message:
            case Started():
                self._epoch, self._steps = message.epoch, message.steps
                attempts.started(connection, self._claim, dict(message.environment))
                progress = self._estimate.at(message.epoch, 0, message.steps)
                attempts.progressed(connection, self._claim, progress, {})
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
                attempts.failed(connection, self._claim, _error(message))

    def _end_epoch(self, connection: Connection, message: EpochEnded) -> None:
        self._epoch = message.epoch
        epoch = Epoch(epoch=message.epoch, seconds=message.seconds, metrics=dict(message.metrics))
        progress = self._estimate.at(message.epoch, 0, self._steps)
        file = message.checkpoint
        checkpoint = Checkpoint(message.epoch, self._key(file), file.sha256) if file else None
        attempts.epoch_ended(connection, self._claim, epoch, progress, checkpoint)

    def _succeed(self, connection: Connection, message: Finished) -> None:
        attempts.succeeded(
            connection,
            self._claim,
            self._estimate.finished(self._epoch),
            dict(message.metrics),
            message.files,
            message.files_left_out,
        )


def _without_stale_steps(messages: Sequence[FromChild]) -> list[FromChild]:
    """A progress report that a later message of the batch overtakes is not worth a write."""
    last = messages[-1:]
    return [m for m in messages[:-1] if not isinstance(m, Stepped)] + list(last)


def _error(message: Failed) -> JobError:
    return JobError(
        type=message.type,
        title=message.title,
        detail=message.detail,
        category=message.category,
        pointer=message.pointer,
    )
