"""Runs predictions; selects one engine per model at the model's first prediction and keeps it."""

import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from application.children.pool import Bounds, Checker, Failed, Unfinished
from application.prediction.arrays import Arrays, Rows, check_indices
from application.prediction.engines import (
    Engine,
    FileContext,
    KerasEngine,
    OnnxEngine,
    import_onnx_session,
)
from application.prediction.onnx_cache import OnnxCache
from application.settings import Settings
from domain.errors import Fault, Invalid, NotFound
from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.job.inputs import find_embedding_sizes
from domain.pointer import pointer
from models_store.database.engine import Database
from models_store.files.cache import Cache
from models_store.files.store import ArtifactStore
from models_store.records import models

FRESH_SECONDS = 0.25
"""Time for which a loaded model is used without reading from the database that it exists."""
Key = tuple[str, str]
"""The owner and the id of a model."""


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory, with its engine."""

    checked_at: float
    """Monotonic time at which the database last confirmed that the model exists, in seconds."""
    summary: Summary
    embedding_sizes: dict[str, int]
    """The number of indices of each input that is the direct input of an Embedding."""
    engine: Engine


class Predictor:
    """Runs predictions on loaded models; unloads the least recently used model first."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        artifacts: ArtifactStore,
        checker: Checker,
        cache: Cache,
    ) -> None:
        self._settings = settings
        self._database = database
        self._artifacts = artifacts
        self._checker = checker
        self._onnx = OnnxCache(cache, artifacts, self._run_in_child)
        self._loaded: OrderedDict[Key, LoadedModel] = OrderedDict()
        self._locks: dict[Key, threading.Lock] = {}
        self._guard = threading.Lock()

    def find_fresh(self, owner: str, model_id: str) -> LoadedModel | None:
        """Returns the model if it is loaded and was confirmed less than `FRESH_SECONDS` ago."""
        model = self._loaded.get((owner, model_id))
        if model is not None and time.monotonic() - model.checked_at < FRESH_SECONDS:
            return model
        return None

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
                return self._store(key, replace(model, checked_at=now))
            blueprint, summary = models.get_definition(connection, owner, model_id)
            pin = models.pin(connection, owner, model_id)
        weights = partial(self._artifacts.fetch, pin.artifact, pin.sha256)
        engine = self._make_engine(model_id, blueprint, weights)
        self._check_exists(key)
        indices = find_embedding_sizes(blueprint.definition)
        return self._store(key, LoadedModel(now, summary, indices, engine))

    def _store(self, key: Key, model: LoadedModel) -> LoadedModel:
        with self._guard:
            self._loaded[key] = model
            self._loaded.move_to_end(key)
            while len(self._loaded) > self._settings.predict_sessions:
                old, _ = self._loaded.popitem(last=False)
                self._locks.pop(old, None)
        return model

    def _make_engine(self, model_id: str, blueprint: Blueprint, weights: FileContext) -> Engine:
        """Returns the engine of a model.

        The engine does not change later, so that equal requests give equal bits.
        """
        blueprint_json = blueprint.model_dump_json(by_alias=True)
        open_onnx = partial(self._onnx.open_file, model_id, blueprint_json, weights)
        threading.Thread(target=import_onnx_session, daemon=True).start()  # during the export
        with open_onnx() as path:
            if path.stat().st_size == 0:
                return KerasEngine(blueprint_json, weights, self._run_in_child)
            return OnnxEngine(path, open_onnx, self._run_in_child)

    def _run_in_child(self, function: str, *arguments: Any) -> Any:
        bounds = Bounds(
            self._settings.predict_seconds, self._settings.predict_memory_bytes, work="PREDICT"
        )
        return self._checker.run(function, *arguments, bounds=bounds)

    def run(self, model: LoadedModel, rows: Rows) -> Arrays:
        """Returns arrays by output name, each of shape (rows, ...), in the order of the outputs.

        Raises:
            Invalid: the engine cannot compute the model for these rows, or the answer is too large.
            Busy: too many children are running.
        """
        for name, size in model.embedding_sizes.items():
            check_indices(rows.arrays[name], size, name, rows.locate)
        self._check_answer_size(rows, rows.count * _count_row_values(model.summary))
        row_bytes = max(1, model.summary.bytes.activations_per_row)
        batch = max(1, self._settings.max_predict_bytes // row_bytes)
        try:
            outputs = model.engine.run(rows.arrays, batch)
        except Failed as error:
            detail = "The model cannot be computed for these values."
            raise Invalid([Fault(pointer=pointer(*rows.place), detail=detail)]) from error
        except Unfinished as error:
            raise Invalid([Fault(pointer=pointer(*rows.place), detail=error.detail)]) from error
        self._check_answer_size(rows, sum(array.size for array in outputs.values()))
        return {tensor.name: outputs[tensor.name] for tensor in model.summary.outputs}

    def _check_answer_size(self, rows: Rows, values: int) -> None:
        """Rejects a large answer: this process serializes it, which would delay other requests.

        Raises:
            Invalid: the answer has more than `max_predict_values` numbers.
        """
        most = self._settings.max_predict_values
        if values > most:
            detail = f"The answer would contain {values:,} numbers; at most {most:,} are allowed "
            detail += "(MAX_PREDICT_VALUES). Send fewer rows."
            raise Invalid([Fault(pointer=pointer(*rows.place), detail=detail)])

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


def _count_row_values(summary: Summary) -> int:
    """Returns how many numbers the outputs of one row have; an unknown length counts as 1."""
    return sum(math.prod(axis or 1 for axis in tensor.shape[1:]) for tensor in summary.outputs)
