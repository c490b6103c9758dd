"""What computes a prediction: onnxruntime here, or the same in a forked child, or Keras there."""

import importlib
import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from application.children.pool import Failed
from application.prediction.arrays import Arrays
from domain.entrypoints import Entrypoint

ONNX = "application.prediction.onnx_session.run_file"
QUICK_SECONDS = 0.0005
InChild = Callable[..., Any]
"""Runs a function by its dotted name in a child."""
HeldFile = Callable[[], AbstractContextManager[Path]]
"""A file on this machine, for as long as it is needed."""


class Engine(Protocol):
    """Computes the outputs of one model."""

    name: str
    is_quick: bool
    """Whether a small prediction is no burden to the thread that answers everybody."""

    def run(self, inputs: Arrays, batch: int) -> Arrays:
        """Outputs by name.

        Args:
            inputs: By name, each of shape (rows, ...).
            batch: Rows in memory at once.
        """
        ...


class OnnxEngine:
    """onnxruntime: small predictions in this process, larger ones in a child."""

    name = "onnxruntime"
    _turns = threading.BoundedSemaphore(os.cpu_count() or 1)

    def __init__(self, file: HeldFile, in_child: InChild) -> None:
        onnx_session = import_onnx_session()
        self._file = file
        self._in_child = in_child
        self._faults = onnx_session.FAULTS
        with file() as path:
            self._session = onnx_session.session_of(path)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self.is_quick = False

    def run(self, inputs: Arrays, batch: int) -> Arrays:
        """In this process, when all rows are one batch.

        Raises:
            Failed: the model cannot be computed for these rows.
        """
        rows = len(next(iter(inputs.values())))
        if rows > batch:
            with self._file() as path:
                outputs: Arrays = self._in_child(ONNX, str(path), inputs, batch)
            return outputs
        try:
            with self._turns:
                started = time.perf_counter()
                arrays = self._session.run(self._outputs, inputs)
                self.is_quick = time.perf_counter() - started < QUICK_SECONDS
        except self._faults as error:
            raise Failed(str(error)) from error
        return dict(zip(self._outputs, arrays, strict=True))


def import_onnx_session() -> ModuleType:
    """Imports onnxruntime, which starts a thread: `graphfit serve` must have none when it forks."""
    return importlib.import_module("application.prediction.onnx_session")


class KerasEngine:
    """Keras in a child, for models that ONNX cannot express."""

    name = "keras"
    is_quick = False

    def __init__(self, blueprint_json: str, weights: HeldFile, in_child: InChild) -> None:
        self._blueprint_json = blueprint_json
        self._weights = weights
        self._in_child = in_child

    def run(self, inputs: Arrays, batch: int) -> Arrays:
        """In a child, whatever the number of rows."""
        with self._weights() as path:
            outputs: Arrays = self._in_child(
                Entrypoint.PREDICT, self._blueprint_json, str(path), inputs, batch
            )
        return outputs
