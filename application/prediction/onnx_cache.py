"""A local cache of ONNX files, each exported once."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from application.prediction.loaded_model import FileContext
from domain.model import ExportResult
from models_store.files.cache import Cache, Download
from models_store.files.store import ArtifactStore

log = logging.getLogger(__name__)
BLOCK_BYTES = 2**20
Export = Callable[[str, str, str], ExportResult]
"""Exports a model, given its `Blueprint` as JSON, the path of its weights and the path to write.

The result has a reason if Keras shall compute the predictions of the model. If the function raises
an error, the cache stays as it is, and the next call exports the model again.
"""


class OnnxCache:
    """Holds one ONNX file per model; the file is empty if ONNX cannot express the model."""

    def __init__(self, cache: Cache, artifacts: ArtifactStore, export: Export) -> None:
        self._cache = cache
        self._artifacts = artifacts
        self._export = export

    @contextmanager
    def open_file(self, model_id: str, blueprint_json: str, weights: FileContext) -> Iterator[Path]:
        """Gives the path of the file, which exists until the context ends.

        The file is exported if the cache does not have it.

        Raises:
            Busy: too many children are running.
            StorageFull: the disk or the cache has no room for the file.
        """
        with ExitStack() as exports:
            export = partial(self._download, exports, model_id, blueprint_json, weights)
            with self._cache.fetch(_make_file_name(model_id), export) as path:
                exports.close()
                yield path

    def drop(self, model_id: str) -> None:
        """Deletes the file of a deleted model."""
        self._cache.drop(_make_file_name(model_id))

    def _download(
        self, exports: ExitStack, model_id: str, blueprint_json: str, weights: FileContext
    ) -> Download:
        exported = exports.enter_context(self._artifacts.scratch(f"onnx-{model_id}")) / "model.onnx"
        with weights() as path:
            result = self._export(blueprint_json, str(path), str(exported))
        if result.reason is not None:
            log.info("Keras computes the predictions of %s: %s", model_id, result.reason)
            return Download(model_id, 0, None, ())
        file = exports.enter_context(exported.open("rb"))
        blocks = iter(partial(file.read, BLOCK_BYTES), b"")
        return Download(model_id, result.bytes, result.sha256, blocks)


def _make_file_name(model_id: str) -> str:
    return f"{model_id}.onnx"
