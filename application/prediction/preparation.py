"""Exports new models in the background, so that the first prediction of a model is quick."""

import fcntl
import logging
import os
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from application.prediction.onnx_cache import OnnxCache
from application.prediction.process import Call, WarmProcess
from application.settings import Settings
from domain.entrypoints import Entrypoint
from domain.errors import GraphfitError, NotFound
from domain.model import ExportResult
from models_store.database.engine import Database
from models_store.files.cache import Cache
from models_store.files.store import ArtifactStore
from models_store.records import models

log = logging.getLogger(__name__)
NICENESS = 19
"""The lowest priority: checks, predictions and training take the processor first."""
PAUSE_SECONDS = 0.5
"""Time between two looks for new models."""
ERROR_PAUSE_SECONDS = 60
"""Time until the next look after an unexpected error."""
PATIENCE_SECONDS = 2.0
"""Time for which a prediction waits for the preparation of its model."""


class Preparation:
    """Exports each new model once, one at a time, the newest first.

    A preparation that fails or is killed leaves nothing behind. The first prediction of the model
    then exports it, as without a preparation. Of several processes that share the cache, one
    prepares.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        artifacts: ArtifactStore,
        cache: Cache,
        lock_path: Path,
    ) -> None:
        """Starts nothing yet.

        Args:
            settings: The limits of an export.
            database: The database with the models.
            artifacts: The store with their weights.
            cache: The cache of ONNX files.
            lock_path: A file that the preparing process locks.
        """
        self._age = timedelta(seconds=settings.predict_prepare_seconds)
        self._database = database
        self._artifacts = artifacts
        self._onnx = OnnxCache(cache, artifacts, self._export)
        self._lock_path = lock_path
        self._lock: int | None = None
        limits = settings.predict_seconds, settings.predict_memory_bytes
        self._process = WarmProcess(*limits, NICENESS)
        self._seen: set[str] = set()
        self._running: str | None = None
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread that looks for new models, unless the setting turns it off."""
        if self._age:
            self._thread = threading.Thread(target=self._run, name="preparation", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the thread and its process."""
        self._stopping.set()
        if self._thread is not None:
            self._process.interrupt()
            self._thread.join()

    def wait_for(self, model_id: str) -> None:
        """Waits a short time for the preparation of a model, and ends it if it takes longer.

        The process has the lowest priority: on a busy machine the caller exports the model sooner.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._running != model_id, PATIENCE_SECONDS):
                self._process.interrupt()

    def _run(self) -> None:
        while not self._stopping.wait(PAUSE_SECONDS):
            try:
                while self._may_prepare() and self._prepare_next():
                    pass
            except Exception:  # go on after an unexpected error
                log.exception("No model is prepared for predictions")
                self._stopping.wait(ERROR_PAUSE_SECONDS)
        if self._lock is not None:
            os.close(self._lock)

    def _may_prepare(self) -> bool:
        """Whether this process has the lock, which the kernel frees when the process dies."""
        if self._stopping.is_set():
            return False
        if self._lock is None:
            self._lock_path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._lock = descriptor
            except BlockingIOError:
                os.close(descriptor)
        return self._lock is not None

    def _prepare_next(self) -> bool:
        """Prepares the newest new model; returns whether there was one."""
        with suppress(GraphfitError):  # the database does not answer
            found = self._find_next()
            if found is not None:
                self._seen.add(found[1])
                self._prepare(*found)
                return True
        return False

    def _find_next(self) -> tuple[str, str] | None:
        """Returns the owner and the id of the newest model that was not prepared yet."""
        with self._database.read() as connection:
            found = models.list_since(connection, datetime.now(UTC) - self._age)
        self._seen &= {model_id for _, model_id in found}
        return next((key for key in found if key[1] not in self._seen), None)

    def _prepare(self, owner: str, model_id: str) -> None:
        self._set_running(model_id)
        try:
            self._export_model(owner, model_id)
        except NotFound:  # deleted meanwhile
            self._onnx.drop(model_id)
        except (GraphfitError, RuntimeError) as error:
            log.info("The first prediction of %s will export it: %s", model_id, error)
        finally:
            self._process.kill()
            self._set_running(None)

    def _set_running(self, model_id: str | None) -> None:
        with self._changed:
            self._running = model_id
            self._changed.notify_all()

    def _export_model(self, owner: str, model_id: str) -> None:
        """Exports the model into the cache, unless it is there.

        Raises:
            NotFound: the model was deleted.
            GraphfitError: the export took too much time or memory, or was ended.
            RuntimeError: the export failed.
        """
        with self._database.read() as connection:
            blueprint, _ = models.get_definition(connection, owner, model_id)
            pin = models.pin(connection, owner, model_id)
        weights = partial(self._artifacts.fetch, pin.artifact, pin.sha256)
        with self._onnx.open_file(model_id, blueprint.model_dump_json(by_alias=True), weights):
            pass
        with self._database.read() as connection:
            models.pin(connection, owner, model_id)

    def _export(self, blueprint_json: str, weights_path: str, target_path: str) -> ExportResult:
        call = Call(Entrypoint.EXPORT_ONNX, (blueprint_json, weights_path, target_path))
        return ExportResult.model_validate_json(self._process.call(call).value)
