"""Saves models in Keras's formats; each file is verified by reading it back with plain Keras."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import load_file

from compiler.inference.forward import generate_rows, make_forward
from compiler.keras_json.roundtrip import roundtrip_faults
from compiler.model.build import BuiltModel, build
from compiler.model.weights import assign
from domain.errors import is_disk_full
from domain.graph.language import Blueprint
from domain.model import KerasExport

log = logging.getLogger(__name__)


class NotTheSame(Exception):
    """Keras reads another model from a file than it wrote. The text is for the client."""


MEDIA_TYPES = {"model.keras": "application/vnd.keras", "model.weights.h5": "application/x-hdf5"}
"""The media types of Keras's files by their names."""


def export_keras(blueprint_json: str, weights_path: str, folder: str) -> KerasExport:
    """Write the files of a model in Keras's formats; see `KerasFiles`.

    Args:
        blueprint_json: The model's `Blueprint`.
        weights_path: The model's `model.safetensors`.
        folder: An existing folder, in which the files have their names.

    Raises:
        OSError: The disk is full.
    """
    built = build(Blueprint.model_validate_json(blueprint_json), seed=0)
    assign(built, load_file(weights_path))
    files, reasons = KerasFiles(built), dict[str, str]()
    for name, write in zip(MEDIA_TYPES, (files.write_archive, files.write_weights), strict=True):
        try:
            write(Path(folder) / name)
        except NotTheSame as reason:
            (Path(folder) / name).unlink(missing_ok=True)
            reasons[name] = str(reason)
    return KerasExport(reasons=reasons)


class KerasFiles:
    """Saves a model in Keras's formats and compares it with what Keras reads back.

    Both methods raise NotTheSame if the file is unusable, and OSError if the disk is full.
    """

    def __init__(self, built: BuiltModel) -> None:
        model = built.model
        self._blueprint = built.blueprint
        # without optimizer, loss and metrics, which the client's Keras may not have
        self._model = keras.Model(model.inputs, model.output, name=model.name)
        self._reloaded: Any = None

    def write_archive(self, path: Path) -> None:
        """Writes `model.keras`."""
        self._call_keras(lambda: self._model.save(path))
        reloaded = self._call_keras(lambda: keras.models.load_model(path))
        self._check_weights(reloaded)
        self._check_predictions(reloaded)
        self._reloaded = reloaded

    def write_weights(self, path: Path) -> None:
        """Writes `model.weights.h5`; verified with the model that was read from the archive."""
        if self._reloaded is None:
            raise NotTheSame("Without a model.keras there is no model to load it into.")
        self._call_keras(lambda: self._model.save_weights(path))
        for variable in self._reloaded.weights:
            variable.assign(keras.ops.zeros_like(variable))
        self._call_keras(lambda: self._reloaded.load_weights(path))
        self._check_weights(self._reloaded)

    def _check_weights(self, reloaded: Any) -> None:
        written, read = self._model.weights, reloaded.weights
        if len(written) != len(read):
            raise NotTheSame(self._find_reason())
        for one, other in zip(written, read, strict=True):
            if not _are_equal(one.numpy(), other.numpy()):
                raise NotTheSame(self._find_reason("Keras reads other weights back than it wrote."))

    def _check_predictions(self, reloaded: Any) -> None:
        inputs = generate_rows(self._model)
        written = self._call_keras(lambda: make_forward(self._model)(inputs))
        read = self._call_keras(lambda: make_forward(reloaded)(inputs))
        if not all(_are_equal(array, read[name]) for name, array in written.items()):
            raise NotTheSame(
                self._find_reason("The model that Keras reads back predicts otherwise.")
            )

    def _call_keras(self, call: Callable[[], Any]) -> Any:
        """Returns the result of a call of Keras. An error other than a full disk is NotTheSame."""
        try:
            return call()
        except Exception as error:
            if is_disk_full(error):
                raise
            log.warning("Keras cannot save a model: %s", error)
            raise NotTheSame(self._find_reason()) from error

    def _find_reason(
        self, seen: str = "Keras cannot read this model back from its own format."
    ) -> str:
        """Returns the known reason why Keras's formats cannot express this model, else `seen`."""
        return next((lost.detail for lost in roundtrip_faults(self._blueprint)), seen)


def _are_equal(one: Any, other: Any) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
