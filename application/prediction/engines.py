"""What computes a prediction: onnxruntime here, or the same in a forked child, or Keras there."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    RuntimeException,
)

from application.children.pool import Failed
from application.prediction.arrays import Arrays
from domain.entrypoints import Entrypoint

ONNX = "application.prediction.engines.run_file"
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
        self._file = file
        self._in_child = in_child
        with file() as path:
            self._session = session_of(path)
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
        except (Fail, InvalidArgument, RuntimeException) as error:
            raise Failed(str(error)) from error
        return dict(zip(self._outputs, arrays, strict=True))


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


def session_of(path: Path) -> onnxruntime.InferenceSession:
    """A model's session; calls run side by side, each in its caller's thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_file(path: str, inputs: Arrays, batch: int) -> Arrays:
    """In a child: an ONNX file over many rows, some at a time."""
    session = session_of(Path(path))
    names = [output.name for output in session.get_outputs()]
    rows = len(next(iter(inputs.values())))
    parts = [
        session.run(names, {name: a[start : start + batch] for name, a in inputs.items()})
        for start in range(0, rows, batch)
    ]
    return {name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(names)}
