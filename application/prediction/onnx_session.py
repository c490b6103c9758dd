"""Runs ONNX files with onnxruntime, which starts a thread when it is imported."""

from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    RuntimeException,
)

from application.prediction.arrays import Arrays

RUN_ERRORS = (Fail, InvalidArgument, RuntimeException)
"""The errors that a session raises if it cannot compute the model for the given rows."""


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """Returns a session of an ONNX file.

    Several threads may call the session at once; each call computes in its caller's thread.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_file(path: str, inputs: Arrays, batch: int) -> Arrays:
    """Runs an ONNX file in a child.

    Args:
        path: The ONNX file.
        inputs: Arrays by input name, each of shape (rows, ...).
        batch: The number of rows computed at once.

    Returns:
        Arrays by output name, each of shape (rows, ...).
    """
    session = open_session(Path(path))
    names = [output.name for output in session.get_outputs()]
    rows = len(next(iter(inputs.values())))
    parts = [
        session.run(names, {name: a[start : start + batch] for name, a in inputs.items()})
        for start in range(0, rows, batch)
    ]
    return {name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(names)}
