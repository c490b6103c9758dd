"""The files of a finished model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from safetensors.numpy import save_file

from compiler.model.build import Built
from compiler.model.weights import arrays_of
from domain.job.job import Epoch
from domain.model import FileLeftOut, ModelFile
from worker.training.history_file import history_json
from worker.training.keras_files import KerasFiles, NotTheSame
from worker.training.output_folder import Folder


@dataclass
class Export:
    """Writes a model's files one after the other."""

    folder: Folder
    built: Built
    files: list[ModelFile] = field(default_factory=list)
    left_out: list[FileLeftOut] = field(default_factory=list)

    def run(self, history: list[Epoch]) -> None:
        """Every file that this model can have.

        Raises:
            OSError: E.g. the disk is full.
        """
        self._write("model.safetensors", "application/vnd.safetensors", self._weights)
        foreign = KerasFiles(self.built)
        self._try("model.keras", "application/vnd.keras", foreign.archive)
        self._try("model.weights.h5", "application/x-hdf5", foreign.weights)
        content = history_json(history)
        self._write("history.json", "application/json", lambda path: _fill(path, content))

    def _weights(self, path: Path) -> None:
        save_file(arrays_of(self.built), path)

    def _write(self, name: str, media_type: str, fill: Callable[[Path], None]) -> None:
        self.files.append(self.folder.write(name, media_type, fill))

    def _try(self, name: str, media_type: str, fill: Callable[[Path], None]) -> None:
        """A file in a format that cannot express every model."""
        try:
            self._write(name, media_type, fill)
        except NotTheSame as reason:
            self.left_out.append(FileLeftOut(name=name, reason=str(reason)))


def _fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)
