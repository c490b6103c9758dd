"""A local cache of ONNX files, each exported at its model's first prediction."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from application.children.pool import Failed, Unfinished
from application.prediction.engines import FileContext, RunInChild
from domain.entrypoints import Entrypoint
from domain.model import ExportResult
from models_store.files.cache import Cache, Download
from models_store.files.store import ArtifactStore

log = logging.getLogger(__name__)
BLOCK_BYTES = 2**20


class OnnxCache:
    """Holds one ONNX file per model; the file is empty if ONNX cannot express the model."""

    def __init__(self, cache: Cache, artifacts: ArtifactStore, run_in_child: RunInChild) -> None:
        self._cache = cache
        self._artifacts = artifacts
        self._run_in_child = run_in_child

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

    def _export(self, *arguments: str) -> ExportResult:
        try:
            result_json: str = self._run_in_child(Entrypoint.EXPORT_ONNX, *arguments)
        except Failed:
            return ExportResult(reason="The export failed.")
        except Unfinished as error:
            return ExportResult(reason=error.detail)
        return ExportResult.model_validate_json(result_json)


def _make_file_name(model_id: str) -> str:
    return f"{model_id}.onnx"
