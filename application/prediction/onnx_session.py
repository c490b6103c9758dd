"""Runs ONNX files with onnxruntime, which starts a thread when it is imported."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    RuntimeException,
)

from application.prediction.arrays import Arrays
from application.prediction.computation import NotComputable

RUN_ERRORS = (Fail, InvalidArgument, RuntimeException)
"""The errors that a session raises if it cannot compute the model for the given rows."""
_NO_MEMORY = ("bad_alloc", "Failed to allocate memory")
"""Texts of the errors that a session raises if it may take no more memory."""


class OnnxSession(NamedTuple):
    """A session of onnxruntime, and the names of its outputs."""

    session: onnxruntime.InferenceSession
    outputs: list[str]


def open_session(path: Path) -> OnnxSession:
    """Returns a session of an ONNX file.

    Several threads may call the session at once; each call computes in its caller's thread. The
    memory of a call is freed after it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return OnnxSession(session, [output.name for output in session.get_outputs()])


def run_session(opened: OnnxSession, inputs: Arrays, batch: int) -> Arrays:
    """Returns the outputs of a session.

    Args:
        opened: The session of an ONNX file.
        inputs: Arrays by input name, each of shape (rows, ...).
        batch: The number of rows computed at once.

    Returns:
        Arrays by output name, each of shape (rows, ...).

    Raises:
        NotComputable: onnxruntime cannot compute the model for these rows.
        MemoryError: the computation needs more memory than the process may take.
    """
    session, names = opened
    rows = len(next(iter(inputs.values())))
    try:
        parts = [
            session.run(names, {name: a[start : start + batch] for name, a in inputs.items()})
            for start in range(0, rows, batch)
        ]
    except RUN_ERRORS as error:
        if any(text in str(error) for text in _NO_MEMORY):
            raise MemoryError from error
        raise NotComputable(str(error)) from error
    if len(parts) == 1:
        return dict(zip(names, parts[0], strict=True))
    return {name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(names)}
