"""The ONNX files of models: exported at a model's first prediction, and kept on this machine."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from application.children.pool import Failed, Unfinished
from application.prediction.engines import HeldFile, InChild
from domain.entrypoints import Entrypoint
from domain.model import ExportResult
from models_store.files.cache import Cache, Download
from models_store.files.store import ArtifactStore

log = logging.getLogger(__name__)
BLOCK_BYTES = 2**20


class OnnxFiles:
    """One of each model; an empty one where ONNX cannot express it."""

    def __init__(self, cache: Cache, artifacts: ArtifactStore, in_child: InChild) -> None:
        self._cache = cache
        self._artifacts = artifacts
        self._in_child = in_child

    @contextmanager
    def held(self, model_id: str, blueprint_json: str, weights: HeldFile) -> Iterator[Path]:
        """The file, exported unless it is there; it stays for as long as the context lasts.

        Raises:
            Busy: too much work is being done in children.
            StorageFull: there is no room for it.
        """
        with ExitStack() as drafts:
            export = partial(self._exported, drafts, model_id, blueprint_json, weights)
            with self._cache.fetch(_name(model_id), export) as path:
                drafts.close()
                yield path

    def forget(self, model_id: str) -> None:
        """A model was deleted."""
        self._cache.drop(_name(model_id))

    def _exported(
        self, drafts: ExitStack, model_id: str, blueprint_json: str, weights: HeldFile
    ) -> Download:
        draft = drafts.enter_context(self._artifacts.scratch(f"onnx-{model_id}")) / "model.onnx"
        with weights() as path:
            result = self._export(blueprint_json, str(path), str(draft))
        if result.reason is not None:
            log.info("%s is answered by Keras: %s", model_id, result.reason)
            return Download(model_id, 0, None, ())
        file = drafts.enter_context(draft.open("rb"))
        blocks = iter(partial(file.read, BLOCK_BYTES), b"")
        return Download(model_id, result.bytes, result.sha256, blocks)

    def _export(self, *arguments: str) -> ExportResult:
        try:
            answer: str = self._in_child(Entrypoint.EXPORT_ONNX, *arguments)
        except Failed:
            return ExportResult(reason="The export failed.")
        except Unfinished as error:
            return ExportResult(reason=error.detail)
        return ExportResult.model_validate_json(answer)


def _name(model_id: str) -> str:
    return f"{model_id}.onnx"
