"""The files of a finished model; Keras's own formats count once plain Keras has read them back."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from compiler.build import Built
from compiler.weights import arrays_of
from pydantic import BaseModel
from safetensors.numpy import save_file

from compiler.forward import forward_of, probe
from domain.job import Epoch
from worker.failures import disk_is_full
from worker.folder import Folder
from worker.messages import LeftOut, WrittenFile

log = logging.getLogger(__name__)


class NotTheSame(Exception):
    """A file does not give the model back; its text tells the client why."""


class History(BaseModel):
    """`history.json`."""

    epochs: list[Epoch]


@dataclass
class Export:
    """Writes a model's files one after the other."""

    folder: Folder
    built: Built
    files: list[WrittenFile] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def run(self, history: list[Epoch]) -> None:
        """Every file that this model can have.

        Raises:
            OSError: E.g. the disk is full.
        """
        self._write("model.safetensors", "application/vnd.safetensors", self._safetensors)
        self._keras_files()
        text = History(epochs=history).model_dump_json()
        self._write("history.json", "application/json", lambda path: _write_text(path, text))

    def _write(self, name: str, media_type: str, fill: Callable[[Path], None]) -> None:
        self.files.append(self.folder.write(name, media_type, fill))

    def _safetensors(self, path: Path) -> None:
        save_file(arrays_of(self.built), path)

    def _keras_files(self) -> None:
        proof = _Proof(_uncompiled(self.built.model))
        self._foreign("model.keras", "application/vnd.keras", proof.archive)
        self._foreign("model.weights.h5", "application/x-hdf5", proof.weights)

    def _foreign(self, name: str, media_type: str, fill: Callable[[Path], None]) -> None:
        """A file in a format that cannot express every model."""
        try:
            self._write(name, media_type, fill)
        except NotTheSame as reason:
            self.left_out.append(LeftOut(name, str(reason)))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _uncompiled(model: Any) -> Any:
    """The same layers without optimizer, loss and metrics, which other Keras may not know."""
    return keras.Model(model.inputs, model.output, name=model.name)


class _Proof:
    """Saves a model in Keras's formats and compares what Keras reads back."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._reloaded: Any = None
        self._archived = False

    def archive(self, path: Path) -> None:
        """`model.keras`."""
        _keras(lambda: self._model.save(path), ".keras")
        self._reloaded = _keras(lambda: keras.models.load_model(path), ".keras")
        self._same_weights(".keras")
        self._same_predictions()
        self._archived = True

    def weights(self, path: Path) -> None:
        """`model.weights.h5`."""
        if not self._archived:
            raise NotTheSame("It could not be tried, as Keras has no .keras file to load it into.")
        _keras(lambda: self._model.save_weights(path), ".weights.h5")
        for variable in self._reloaded.weights:
            variable.assign(keras.ops.zeros_like(variable))
        _keras(lambda: self._reloaded.load_weights(path), ".weights.h5")
        self._same_weights(".weights.h5")

    def _same_weights(self, form: str) -> None:
        ours, theirs = self._model.weights, self._reloaded.weights
        if len(ours) != len(theirs):
            raise NotTheSame(
                f"Keras's {form} format cannot keep a layer that is shared between a nested graph "
                f"and the outside: read back, the model has {len(theirs)} weights, not {len(ours)}."
            )
        for one, other in zip(ours, theirs, strict=True):
            if not np.array_equal(one.numpy(), other.numpy(), equal_nan=True):
                raise NotTheSame(f"Keras reads other weights back from its {form} format.")

    def _same_predictions(self) -> None:
        inputs = probe(self._model)
        ours = forward_of(self._model)(inputs)
        theirs = _keras(lambda: forward_of(self._reloaded)(inputs), ".keras")
        for name, array in ours.items():
            if not np.array_equal(array, theirs[name], equal_nan=array.dtype.kind == "f"):
                raise NotTheSame("Read back from its .keras format, the model predicts otherwise.")


def _keras(act: Callable[[], Any], form: str) -> Any:
    """What Keras gives; whatever stops it besides a full disk, the file is of no use."""
    try:
        return act()
    except Exception as error:
        if disk_is_full(error):
            raise
        log.warning("A model has no %s file: %s", form, error)
        raise NotTheSame(f"Keras cannot keep this model in its {form} format.") from error
