"""Loads models for predictions, and hands predictions to the warm processes."""

import logging
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from application.children.pool import Bounds, Checker, Failed, Unfinished
from application.prediction.arrays import Arrays, Rows
from application.prediction.computation import Limits, compute
from application.prediction.loaded_model import LoadedModel
from application.prediction.onnx_cache import OnnxCache
from application.prediction.pool import PredictionPool, Task
from application.prediction.preparation import Preparation
from application.prediction.process import Call, Result
from application.prediction.signature import Shapes, Signature, get_shapes
from application.settings import Settings
from domain.entrypoints import Entrypoint
from domain.errors import GraphfitError, NotFound
from domain.model import ExportResult
from models_store.database.engine import Database
from models_store.files.cache import Cache
from models_store.files.store import ArtifactStore
from models_store.records import models

log = logging.getLogger(__name__)
FRESH_SECONDS = 0.25
"""Time for which a loaded model is used without reading from the database that it exists."""
RENEWAL_SECONDS = 0.1
"""Age at which a request lets a thread read it again, so that no request waits for the database."""
_SLOW_SECONDS = 0.05
"""After a quick prediction took so long here, a prediction process measures its shapes again."""
Key = tuple[str, str]
"""The owner and the id of a model."""


class Predictor:
    """Runs predictions on loaded models; unloads the least recently used model first."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        artifacts: ArtifactStore,
        checker: Checker,
        cache: Cache,
        pool: PredictionPool,
        preparation: Preparation | None = None,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._limits = Limits.of(settings)
        self._database = database
        self._artifacts = artifacts
        self._checker = checker
        self._onnx = OnnxCache(cache, artifacts, self._export)
        self._preparation = preparation
        self._renewals = ThreadPoolExecutor(1, "renewals")
        self._loaded: OrderedDict[Key, LoadedModel] = OrderedDict()
        self._locks: dict[Key, threading.Lock] = {}
        self._guard = threading.Lock()

    def start(self) -> None:
        """Starts to prepare new models for their first prediction."""
        if self._preparation is not None:
            self._preparation.start()

    def find_fresh(self, owner: str, model_id: str) -> LoadedModel | None:
        """Returns the model if it is loaded and was confirmed less than `FRESH_SECONDS` ago.

        A model that is used again and again is confirmed in a thread before that time has passed.
        """
        model = self._loaded.get((owner, model_id))
        if model is None or (age := time.monotonic() - model.checked_at) >= FRESH_SECONDS:
            return None
        if age >= RENEWAL_SECONDS and not model.is_being_renewed:
            model.is_being_renewed = True
            self._renewals.submit(self._renew, model)
        return model

    def _renew(self, model: LoadedModel) -> None:
        """Reads that the model exists; after an error the next request loads it."""
        now = time.monotonic()
        try:
            with self._database.read() as connection:
                models.pin(connection, model.owner, model.model_id)
            model.checked_at = now
        except GraphfitError:
            log.debug("%s was not confirmed", model.model_id, exc_info=True)
        finally:
            model.is_being_renewed = False

    def load(self, owner: str, model_id: str) -> LoadedModel:
        """Returns the model; loads it if necessary. Only one thread loads a model at a time.

        Raises:
            NotFound: the owner has no model of this id.
            Busy: too many children are running.
            StorageFull: the cache has no room for the ONNX file or the weights.
        """
        key = (owner, model_id)
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        try:
            with lock:
                return self._load(key)
        except NotFound:
            with self._guard:  # unknown ids must not fill the memory with locks
                self._locks.pop(key, None)
            raise

    def _load(self, key: Key) -> LoadedModel:
        owner, model_id = key
        fresh = self.find_fresh(owner, model_id)
        if fresh is not None:
            return fresh
        now = time.monotonic()
        model = self._loaded.get(key)
        with self._database.read() as connection:
            if model is not None:
                models.pin(connection, owner, model_id)
                model.checked_at = now
                return self._store(key, model)
            blueprint, summary = models.get_definition(connection, owner, model_id)
            preparation = models.get_preparation(connection, owner, model_id)
            pin = models.pin(connection, owner, model_id)
        weights = partial(self._artifacts.fetch, pin.artifact, pin.sha256)
        blueprint_json = blueprint.model_dump_json(by_alias=True)
        open_onnx = partial(self._onnx.open_file, model_id, blueprint_json, weights)
        if self._preparation is not None:
            self._preparation.wait_for(model_id)
        with (
            open_onnx() as path
        ):  # the engine never changes, so that equal requests give equal bits
            is_onnx = path.stat().st_size > 0
        self._check_exists(key)
        model = LoadedModel(
            owner=owner,
            model_id=model_id,
            checked_at=now,
            signature=Signature.of(blueprint, summary, preparation),
            engine="onnxruntime" if is_onnx else "keras",
            open_file=open_onnx if is_onnx else weights,
            blueprint_json=blueprint_json,
            weight_bytes=summary.bytes.weights,
        )
        return self._store(key, model)

    def _store(self, key: Key, model: LoadedModel) -> LoadedModel:
        with self._guard:
            self._loaded[key] = model
            self._loaded.move_to_end(key)
            while len(self._loaded) > self._settings.predict_sessions:
                old, _ = self._loaded.popitem(last=False)
                self._locks.pop(old, None)
        return model

    def _export(self, blueprint_json: str, weights_path: str, target_path: str) -> ExportResult:
        bounds = Bounds(
            self._settings.predict_seconds, self._settings.predict_memory_bytes, work="PREDICT"
        )
        arguments = (blueprint_json, weights_path, target_path)
        try:
            result_json = self._checker.run(Entrypoint.EXPORT_ONNX, *arguments, bounds=bounds)
        except Failed:
            return ExportResult(reason="The export failed.")
        except Unfinished as error:
            return ExportResult(reason=error.detail)
        return ExportResult.model_validate_json(result_json)

    def close(self) -> None:
        """Ends the preparation and the prediction processes."""
        if self._preparation is not None:
            self._preparation.close()
        self._pool.close()
        self._renewals.shutdown()

    def submit(self, model: LoadedModel, function: str, raw: bytes, *options: Any) -> "Future[Any]":
        """Computes the answer to a request in a prediction process.

        Args:
            model: The model.
            function: The dotted name of a function of `raw`, a `ModelFile`, a `Signature` and
                `Limits`, and of the options, which returns an `Answer`.
            raw: The body of the request.
            options: Further arguments of the function.

        Returns:
            The future of the `Answer`.

        Raises:
            Busy: too many predictions are waiting.
        """

        def make_call(path: Path) -> Call:
            file = model.describe_file(path)
            return Call(function, (raw, file, model.signature, self._limits, *options))

        def accept(result: Result, path: Path) -> None:
            model.note(result.value.shapes, result.value.seconds, path)

        task = Task(model.open_file, make_call, accept)
        return self._pool.submit(model.owner, model.model_id, task)

    def find_misfit(self, model: LoadedModel, shapes: Shapes) -> "Future[str | None]":
        """Finds in a prediction process which node does not take the shapes of a request.

        Args:
            model: The model, which could not be computed.
            shapes: The shapes of its inputs.

        Returns:
            The future of the node's name and the reason; None if every node takes the shapes.

        Raises:
            Busy: too many predictions are waiting.
        """
        lengths = {name: shape[1:] for name, shape in shapes}
        call = Call(Entrypoint.FIND_MISFIT, (model.blueprint_json, lengths))
        task = Task(lambda: nullcontext(Path()), lambda _: call, lambda *_: None)
        return self._pool.submit(model.owner, model.model_id, task)

    def run_here(self, model: LoadedModel, rows: Rows) -> Arrays | None:
        """Returns the outputs of rows that are computed in less time than a thread switch takes.

        Returns:
            Arrays by output name, each of shape (rows, ...); None for all other rows.

        Raises:
            Uncomputable: the model cannot be computed for these rows.
        """
        shapes = get_shapes(rows.arrays)
        if not model.is_quick(shapes):
            return None
        started = time.perf_counter()
        outputs = compute(model.signature, rows, self._limits, model.run_here)
        if time.perf_counter() - started > _SLOW_SECONDS:
            model.quick.forget(shapes)
        return outputs

    def _check_exists(self, key: Key) -> None:
        """Checks that the model was not deleted during its export.

        Raises:
            NotFound: the model was deleted; its file is removed from the cache.
        """
        try:
            with self._database.read() as connection:
                models.pin(connection, *key)
        except NotFound:
            self.unload(key[1])
            raise

    def unload(self, model_id: str) -> None:
        """Removes a deleted model from the memory and the cache."""
        with self._guard:
            for key in [key for key in self._loaded if key[1] == model_id]:
                del self._loaded[key]
        self._onnx.drop(model_id)
