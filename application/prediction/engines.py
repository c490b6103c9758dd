"""Engines that compute predictions: onnxruntime in this process or a child, Keras in a child."""

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
"""A prediction that took less time is quick."""
RunInChild = Callable[..., Any]
"""Runs a function in a child, given its dotted name and its arguments."""
FileContext = Callable[[], AbstractContextManager[Path]]
"""Opens a context that gives the path of a local file; the file exists until the context ends."""


class Engine(Protocol):
    """Computes the outputs of one model."""

    name: str
    is_quick: bool
    """Whether a small prediction may run in the event loop's thread without delaying requests."""

    def run(self, inputs: Arrays, batch: int) -> Arrays:
        """Returns arrays by output name, each of shape (rows, ...).

        Args:
            inputs: Arrays by input name, each of shape (rows, ...).
            batch: The largest number of rows computed at once.
        """
        ...


class OnnxEngine:
    """Runs onnxruntime: one batch in this process, more rows in a child."""

    name = "onnxruntime"
    _slots = threading.BoundedSemaphore(os.cpu_count() or 1)

    def __init__(self, path: Path, open_file: FileContext, run_in_child: RunInChild) -> None:
        """Loads the model into this process.

        Args:
            path: The ONNX file, which must exist during this call.
            open_file: Opens the same file for each call of a child.
            run_in_child: Runs a function in a child.
        """
        onnx_session = import_onnx_session()
        self._open_file = open_file
        self._run_in_child = run_in_child
        self._run_errors = onnx_session.RUN_ERRORS
        self._session = onnx_session.open_session(path)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self.is_quick = False

    def run(self, inputs: Arrays, batch: int) -> Arrays:
        """Returns the outputs; runs in this process if all rows fit into one batch.

        Raises:
            Failed: onnxruntime cannot compute the model for these rows.
        """
        rows = len(next(iter(inputs.values())))
        if rows > batch:
            with self._open_file() as path:
                outputs: Arrays = self._run_in_child(ONNX, str(path), inputs, batch)
            return outputs
        try:
            with self._slots:
                started = time.perf_counter()
                arrays = self._session.run(self._outputs, inputs)
                self.is_quick = time.perf_counter() - started < QUICK_SECONDS
        except self._run_errors as error:
            raise Failed(str(error)) from error
        return dict(zip(self._outputs, arrays, strict=True))


def import_onnx_session() -> ModuleType:
    """Imports the module of onnxruntime sessions.

    The import starts a thread, and `graphfit serve` must have no thread when it forks. Therefore no
    module imports onnxruntime at the top.
    """
    return importlib.import_module("application.prediction.onnx_session")


class KerasEngine:
    """Runs Keras in a child, for models that ONNX cannot express."""

    name = "keras"
    is_quick = False

    def __init__(self, blueprint_json: str, weights: FileContext, run_in_child: RunInChild) -> None:
        self._blueprint_json = blueprint_json
        self._open_weights = weights
        self._run_in_child = run_in_child

    def run(self, inputs: Arrays, batch: int) -> Arrays:
        """Returns the outputs; every call runs in a new child."""
        with self._open_weights() as path:
            outputs: Arrays = self._run_in_child(
                Entrypoint.PREDICT, self._blueprint_json, str(path), inputs, batch
            )
        return outputs
