"""Answers predictions: one engine a model, chosen at its first prediction and kept."""

import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from application.children.pool import Bounds, Checker, Failed, Unfinished
from application.prediction.arrays import Arrays, Rows, refuse_beyond
from application.prediction.engines import (
    Engine,
    HeldFile,
    KerasEngine,
    OnnxEngine,
    import_onnx_session,
)
from application.prediction.onnx_cache import OnnxFiles
from application.settings import Settings
from domain.errors import Fault, Invalid, NotFound
from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.job.inputs import vocabularies
from domain.pointer import pointer
from models_store.database.engine import Database
from models_store.files.cache import Cache
from models_store.files.store import ArtifactStore
from models_store.records import models

FRESH_SECONDS = 0.25
"""How long a model is used without looking whether it was deleted."""
Key = tuple[str, str]
"""Owner and model."""


@dataclass(frozen=True)
class Ready:
    """A model that answers at once."""

    seen_at: float
    """When the database last had it."""
    summary: Summary
    vocabularies: dict[str, int]
    """The indices that an input takes which goes straight into an Embedding."""
    engine: Engine


class Predictor:
    """Models held ready, the least used forgotten first."""

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
        self._onnx = OnnxFiles(cache, artifacts, self._in_child)
        self._ready: OrderedDict[Key, Ready] = OrderedDict()
        self._locks: dict[Key, threading.Lock] = {}
        self._guard = threading.Lock()

    def fresh(self, owner: str, model_id: str) -> Ready | None:
        """The model, when it was looked up a moment ago."""
        found = self._ready.get((owner, model_id))
        if found is not None and time.monotonic() - found.seen_at < FRESH_SECONDS:
            return found
        return None

    def ready(self, owner: str, model_id: str) -> Ready:
        """The model, prepared by whoever asks first.

        Raises:
            NotFound: the owner has none of this id.
            Busy: too much work is being done in children.
            StorageFull: there is no room for what it is prepared with.
        """
        key = (owner, model_id)
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        try:
            with lock:
                return self._prepared(key)
        except NotFound:
            with self._guard:  # or else every id that somebody makes up would be kept
                self._locks.pop(key, None)
            raise

    def _prepared(self, key: Key) -> Ready:
        owner, model_id = key
        fresh = self.fresh(owner, model_id)
        if fresh is not None:
            return fresh
        now = time.monotonic()
        found = self._ready.get(key)
        with self._database.read() as connection:
            if found is not None:
                models.pinned(connection, owner, model_id)
                return self._keep(key, replace(found, seen_at=now))
            blueprint, summary = models.definition(connection, owner, model_id)
            pin = models.pinned(connection, owner, model_id)
        weights = partial(self._artifacts.fetch, pin.artifact, pin.sha256)
        engine = self._engine(model_id, blueprint, weights)
        self._forget_if_deleted(key)
        indices = vocabularies(blueprint.definition)
        return self._keep(key, Ready(now, summary, indices, engine))

    def _keep(self, key: Key, ready: Ready) -> Ready:
        with self._guard:
            self._ready[key] = ready
            self._ready.move_to_end(key)
            while len(self._ready) > self._settings.predict_sessions:
                old, _ = self._ready.popitem(last=False)
                self._locks.pop(old, None)
        return ready

    def _engine(self, model_id: str, blueprint: Blueprint, weights: HeldFile) -> Engine:
        """Once for each model, so that equal requests give equal bits."""
        blueprint_json = blueprint.model_dump_json(by_alias=True)
        onnx = partial(self._onnx.held, model_id, blueprint_json, weights)
        threading.Thread(target=import_onnx_session, daemon=True).start()  # while it is exported
        with onnx() as path:
            is_empty = path.stat().st_size == 0
        if is_empty:
            return KerasEngine(blueprint_json, weights, self._in_child)
        return OnnxEngine(onnx, self._in_child)

    def _in_child(self, function: str, *arguments: Any) -> Any:
        bounds = Bounds(
            self._settings.predict_seconds, self._settings.predict_memory_bytes, work="PREDICT"
        )
        return self._checker.run(function, *arguments, bounds=bounds)

    def run(self, ready: Ready, rows: Rows) -> Arrays:
        """The outputs, in graph order.

        Raises:
            Invalid: the model cannot be computed for these rows.
            Busy: too much work is being done in children.
        """
        for name, size in ready.vocabularies.items():
            refuse_beyond(rows.arrays[name], size, name, rows.locate)
        self._refuse_beyond(rows, rows.count * _values_of_a_row(ready.summary))
        row_bytes = max(1, ready.summary.bytes.activations_per_row)
        batch = max(1, self._settings.max_predict_bytes // row_bytes)
        try:
            outputs = ready.engine.run(rows.arrays, batch)
        except Failed as error:
            detail = "The model cannot be computed for these values."
            raise Invalid([Fault(pointer=pointer(*rows.place), detail=detail)]) from error
        except Unfinished as error:
            raise Invalid([Fault(pointer=pointer(*rows.place), detail=error.detail)]) from error
        self._refuse_beyond(rows, sum(array.size for array in outputs.values()))
        return {tensor.name: outputs[tensor.name] for tensor in ready.summary.outputs}

    def _refuse_beyond(self, rows: Rows, values: int) -> None:
        """An answer is made in this process: one too large would hold up all others."""
        most = self._settings.max_predict_values
        if values > most:
            detail = f"The answer would hold {values:,} numbers; at most {most:,} are given at "
            detail += "once (MAX_PREDICT_VALUES). Ask for fewer rows."
            raise Invalid([Fault(pointer=pointer(*rows.place), detail=detail)])

    def _forget_if_deleted(self, key: Key) -> None:
        """An export may outlast its model.

        Raises:
            NotFound: the model was deleted meanwhile; nothing of it is left in the cache.
        """
        try:
            with self._database.read() as connection:
                models.pinned(connection, *key)
        except NotFound:
            self.forget(key[1])
            raise

    def forget(self, model_id: str) -> None:
        """A model was deleted."""
        with self._guard:
            for key in [key for key in self._ready if key[1] == model_id]:
                del self._ready[key]
        self._onnx.forget(model_id)


def _values_of_a_row(summary: Summary) -> int:
    """Numbers in the outputs of one row; unknown lengths count as 1."""
    return sum(math.prod(axis or 1 for axis in tensor.shape[1:]) for tensor in summary.outputs)
