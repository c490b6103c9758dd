"""Writes the files of a finished model."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic_core import to_json
from safetensors.numpy import save_file

from compiler.model.build import BuiltModel
from compiler.model.weights import copy_arrays
from domain.job.job import Epoch
from domain.job.outcome import ModelMade
from domain.model import FileLeftOut, ModelFile
from domain.non_finite import name_non_finite
from domain.pointer import pointer
from worker.training.keras_files import KerasFiles, NotTheSame
from worker.training.output_folder import OutputFolder


def export(folder: OutputFolder, built: BuiltModel, history: list[Epoch]) -> ModelMade:
    """Writes every file in whose format the model can be expressed.

    Raises:
        OSError: E.g. the disk is full.
    """
    files = _Files(folder)
    files.write(
        "model.safetensors", "application/vnd.safetensors", lambda p: _write_weights(built, p)
    )
    keras_files = KerasFiles(built)
    files.try_write("model.keras", "application/vnd.keras", keras_files.write_archive)
    files.try_write("model.weights.h5", "application/x-hdf5", keras_files.write_weights)
    content = make_history_json(history)
    files.write("history.json", "application/json", lambda p: _fill(p, content))
    metrics = history[-1].metrics if history else {}
    return ModelMade(tuple(files.written), tuple(files.left_out), metrics)


def make_history_json(epochs: list[Epoch]) -> bytes:
    """Returns the content of `history.json`, equal to `GET /v1/jobs/{id}/history`.

    Numbers that are not finite are `null`; `non_finite` names each by its JSON Pointer.
    """
    document: dict[str, object] = {"epochs": [epoch.model_dump() for epoch in epochs]}
    non_finite = {
        pointer("epochs", i, "metrics", name): name_non_finite(value)
        for i, epoch in enumerate(epochs)
        for name, value in epoch.metrics.items()
        if not math.isfinite(value)
    }
    if non_finite:
        document["non_finite"] = non_finite
    return to_json(document, inf_nan_mode="null")


@dataclass
class _Files:
    """Writes the files of one model, one after the other."""

    folder: OutputFolder
    written: list[ModelFile] = field(default_factory=list)
    left_out: list[FileLeftOut] = field(default_factory=list)

    def write(self, name: str, media_type: str, fill: Callable[[Path], None]) -> None:
        self.written.append(self.folder.write(name, media_type, fill))

    def try_write(self, name: str, media_type: str, fill: Callable[[Path], None]) -> None:
        """Writes a file in a format that cannot express every model."""
        try:
            self.write(name, media_type, fill)
        except NotTheSame as reason:
            self.left_out.append(FileLeftOut(name=name, reason=str(reason)))


def _write_weights(built: BuiltModel, path: Path) -> None:
    save_file(copy_arrays(built), path)


def _fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)
