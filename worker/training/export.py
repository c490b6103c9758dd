"""Writes the files of a finished model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from safetensors.numpy import save_file

from compiler.keras_files import MEDIA_TYPES, KerasFiles, NotTheSame
from compiler.model.build import BuiltModel
from compiler.model.weights import copy_arrays
from domain.job.fit import history
from domain.job.outcome import ModelMade
from domain.model import FileLeftOut, ModelFile
from worker.training.output_folder import OutputFolder
from worker.training.trained import Trained


def export(folder: OutputFolder, built: BuiltModel, trained: Trained) -> ModelMade:
    """Writes every file in whose format the model can be expressed.

    Raises:
        OSError: E.g. the disk is full.
    """
    files = _Files(folder)
    files.write(
        "model.safetensors", "application/vnd.safetensors", lambda p: _write_weights(built, p)
    )
    keras_files = KerasFiles(built)
    for name, fill in zip(
        MEDIA_TYPES, (keras_files.write_archive, keras_files.write_weights), strict=True
    ):
        files.try_write(name, MEDIA_TYPES[name], fill)
    content = history.make_history_json(trained.history)
    files.write(history.NAME, history.MEDIA_TYPE, lambda p: _fill(p, content))
    if trained.optimizer is not None:
        files.written.append(trained.optimizer)
    return ModelMade(
        tuple(files.written),
        tuple(files.left_out),
        trained.metrics,
        epoch=trained.kept,
        stopped=trained.stopped,
        best=trained.best,
        missing=trained.missing,
        last_epoch=trained.last_epoch,
    )


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
