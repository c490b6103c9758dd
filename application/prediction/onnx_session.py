"""Computes with onnxruntime, which starts a thread when it is imported."""

from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    RuntimeException,
)

from application.prediction.arrays import Arrays

FAULTS = (Fail, InvalidArgument, RuntimeException)
"""What a session raises when the model cannot be computed for the rows."""


def session_of(path: Path) -> onnxruntime.InferenceSession:
    """A model's session; calls run side by side, each in its caller's thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_file(path: str, inputs: Arrays, batch: int) -> Arrays:
    """Runs an ONNX file over many rows in a child, `batch` rows at a time."""
    session = session_of(Path(path))
    names = [output.name for output in session.get_outputs()]
    rows = len(next(iter(inputs.values())))
    parts = [
        session.run(names, {name: a[start : start + batch] for name, a in inputs.items()})
        for start in range(0, rows, batch)
    ]
    return {name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(names)}
