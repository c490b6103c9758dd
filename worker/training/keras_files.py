"""Saves models in Keras's formats; each file is verified by reading it back with plain Keras."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from compiler.inference.forward import generate_rows, make_forward
from compiler.keras_json.roundtrip import roundtrip_faults
from compiler.model.build import BuiltModel
from worker.training.errors import disk_is_full

log = logging.getLogger(__name__)


class NotTheSame(Exception):
    """A file does not give the same model back. The text is the reason for the client."""


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

    def archive(self, path: Path) -> None:
        """Writes `model.keras`."""
        self._keras(lambda: self._model.save(path))
        reloaded = self._keras(lambda: keras.models.load_model(path))
        self._same_weights(reloaded)
        self._same_predictions(reloaded)
        self._reloaded = reloaded

    def weights(self, path: Path) -> None:
        """Writes `model.weights.h5`; verified with the model that was read from the archive."""
        if self._reloaded is None:
            raise NotTheSame("Without a model.keras there is no model to load it into.")
        self._keras(lambda: self._model.save_weights(path))
        for variable in self._reloaded.weights:
            variable.assign(keras.ops.zeros_like(variable))
        self._keras(lambda: self._reloaded.load_weights(path))
        self._same_weights(self._reloaded)

    def _same_weights(self, reloaded: Any) -> None:
        ours, theirs = self._model.weights, reloaded.weights
        if len(ours) != len(theirs):
            raise NotTheSame(self._reason())
        for one, other in zip(ours, theirs, strict=True):
            if not _equal(one.numpy(), other.numpy()):
                raise NotTheSame(self._reason("Keras reads other weights back than it wrote."))

    def _same_predictions(self, reloaded: Any) -> None:
        inputs = generate_rows(self._model)
        ours = self._keras(lambda: make_forward(self._model)(inputs))
        theirs = self._keras(lambda: make_forward(reloaded)(inputs))
        if not all(_equal(array, theirs[name]) for name, array in ours.items()):
            raise NotTheSame(self._reason("The model that Keras reads back predicts otherwise."))

    def _keras(self, call: Callable[[], Any]) -> Any:
        """The result of a call of Keras. On any error but a full disk, the file is unusable."""
        try:
            return call()
        except Exception as error:
            if disk_is_full(error):
                raise
            log.warning("Keras cannot save a model: %s", error)
            raise NotTheSame(self._reason()) from error

    def _reason(self, seen: str = "Keras cannot read this model back from its own format.") -> str:
        """The known reason why Keras's formats cannot express this model, else what was seen."""
        return next((lost.detail for lost in roundtrip_faults(self._blueprint)), seen)


def _equal(one: Any, other: Any) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
