"""Makes a model of a checkpoint that a job keeps."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection

from application.children.pool import Bounds, Checker, Failed, Unfinished
from application.settings import Settings
from domain.entrypoints import Entrypoint
from domain.errors import Fault, Invalid, NotFound
from domain.job.fit import history
from domain.job.outcome import METADATA, NotInPlan
from domain.job.plan import Plan
from domain.model import FileLeftOut, KerasExport, Model, ModelFile, ModelRequest
from models_store.database.engine import Database
from models_store.files.disk import hash_file
from models_store.files.key import NewFile
from models_store.files.safetensors_header import read_metadata
from models_store.files.store import ArtifactStore
from models_store.ids import new_id
from models_store.jobs import jobs
from models_store.jobs.outcomes import describe_preparation
from models_store.records import epochs, kept_checkpoints, models
from models_store.records.models import NewModel

MEDIA_TYPES = {
    models.WEIGHTS: "application/vnd.safetensors",
    "model.keras": "application/vnd.keras",
    "model.weights.h5": "application/x-hdf5",
    history.NAME: history.MEDIA_TYPE,
}


@dataclass(frozen=True)
class _Source:
    """A checkpoint, with what its job tells about it."""

    plan: Plan
    name: str | None
    epoch: int
    metrics: dict[str, float | list[float]]
    artifact: str
    sha256: str
    history: bytes


@dataclass(frozen=True)
class _Files:
    """The files of a new model in a folder of this machine."""

    written: list[ModelFile]
    left_out: list[FileLeftOut]
    more: NotInPlan


@dataclass(frozen=True)
class CheckpointModels:
    """Makes models of checkpoints, each once."""

    settings: Settings
    database: Database
    store: ArtifactStore
    checker: Checker

    def find(self, owner: str, request: ModelRequest) -> Model | None:
        """Returns the model that was made of a checkpoint before; None if there is none."""
        with self.database.read() as connection:
            return models.find_of_checkpoint(connection, owner, request.job, request.epoch)

    def make(self, owner: str, request: ModelRequest) -> Model:
        """Makes the model, or returns the one that was made in the meantime.

        Raises:
            Invalid: There is no such job or checkpoint; each fault has its place.
            StorageFull: There is no room for its files.
            Busy: A store does not answer, or too many models are being made.
        """
        source = self._load(owner, request)
        model_id = new_id("model")
        folder = PurePosixPath("jobs", request.job, model_id)
        with self.store.scratch(f"model-{model_id}") as path:
            files = self._write_files(source, path)
            self.store.publish_all(
                [
                    NewFile(path / file.name, str(folder / file.name), file.sha256)
                    for file in files.written
                ]
            )
        with self.database.write() as connection:
            model = self._insert(connection, owner, request, source, files, folder, model_id)
        if model.id != model_id:
            self.store.delete_prefix(str(folder))
        return model

    def _load(self, owner: str, request: ModelRequest) -> _Source:
        with self.database.read() as connection:
            try:
                job = jobs.get_row(connection, owner, request.job)
            except NotFound as missing:
                raise Invalid([Fault(pointer="/job", detail=missing.detail)]) from missing
            row = kept_checkpoints.find(connection, owner, request.job, request.epoch)
            if row is None:
                raise Invalid([self._describe_missing(connection, owner, request)])
            past = [
                epoch
                for epoch in epochs.iterate(connection, owner, request.job)
                if epoch.epoch <= request.epoch
            ]
        return _Source(
            plan=Plan.model_validate(job.plan),
            name=request.name or job.name,
            epoch=row.epoch,
            metrics=row.metrics,
            artifact=row.artifact,
            sha256=row.sha256,
            history=history.make_history_json(past),
        )

    def _describe_missing(self, connection: Connection, owner: str, request: ModelRequest) -> Fault:
        kept = kept_checkpoints.list_epochs(connection, owner, request.job)
        listed = ", ".join(map(str, kept[-20:]))
        known = f"It keeps those of the epochs {listed}." if kept else "It keeps none."
        detail = f"The job keeps no checkpoint of epoch {request.epoch}. {known}"
        return Fault(pointer="/epoch", detail=detail)

    def _write_files(self, source: _Source, folder: Path) -> _Files:
        weights = folder / models.WEIGHTS
        with self.store.fetch(source.artifact, source.sha256) as stored:
            shutil.copyfile(stored, weights)
        more = NotInPlan.from_json(json.loads(read_metadata(weights)[METADATA]))
        blueprint = more.learned.blueprint if more.learned else source.plan.blueprint
        reasons = self._export(blueprint.model_dump_json(by_alias=True), weights, folder)
        (folder / history.NAME).write_bytes(source.history)
        written = [
            ModelFile(
                name=name,
                bytes=(folder / name).stat().st_size,
                sha256=hash_file(folder / name),
                media_type=media_type,
            )
            for name, media_type in MEDIA_TYPES.items()
            if name not in reasons
        ]
        left_out = [FileLeftOut(name=name, reason=reason) for name, reason in reasons.items()]
        return _Files(written, left_out, more)

    def _export(self, blueprint_json: str, weights: Path, folder: Path) -> dict[str, str]:
        """Writes Keras's files. Returns the reason of each file that is left out."""
        limits = self.settings.predict_seconds, self.settings.predict_memory_bytes
        arguments = blueprint_json, str(weights), str(folder)
        try:
            found = self.checker.run(
                Entrypoint.EXPORT_KERAS, *arguments, bounds=Bounds(*limits, work="PREDICT")
            )
        except (Unfinished, Failed) as error:
            reason = error.detail if isinstance(error, Unfinished) else "The export failed."
            reason += " A job of the kind `build` with this `model` writes it."
            return dict.fromkeys(("model.keras", "model.weights.h5"), reason)
        return KerasExport.model_validate_json(found).reasons

    def _insert(
        self,
        connection: Connection,
        owner: str,
        request: ModelRequest,
        source: _Source,
        files: _Files,
        folder: PurePosixPath,
        model_id: str,
    ) -> Model:
        """Inserts the model; a checkpoint is locked, so that no other request does the same."""
        row = kept_checkpoints.find(connection, owner, request.job, request.epoch, locks=True)
        made = models.find_of_checkpoint(connection, owner, request.job, request.epoch)
        if made is not None:
            return made
        if row is None:
            raise Invalid([self._describe_missing(connection, owner, request)])
        described = files.more.learned or source.plan
        new = NewModel(
            owner=owner,
            job_id=request.job,
            name=source.name,
            graph_id=source.plan.graph_id,
            folder=folder,
            blueprint=described.blueprint,
            summary=described.summary,
            preparation=describe_preparation(source.plan, files.more.missing),
            recipe=source.plan.recipe,
            checkpoint_epoch=request.epoch,
        )
        models.insert(
            connection, new, source.epoch, source.metrics, files.written, files.left_out, model_id
        )
        return models.get(connection, owner, model_id)
