"""Exports a model to ONNX, and compares the outputs of the file with those of Keras."""

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime

from compiler.inference.forward import Arrays, generate_rows, make_forward
from compiler.inference.predict import restore
from compiler.model.build import BuiltModel
from domain.model import ExportResult

log = logging.getLogger(__name__)

TEST_ROWS = 3
TOLERANCES = {"float16": 1e-2, "float32": 1e-5, "float64": 1e-5}
"""Relative and absolute tolerance by dtype; values of other dtypes must be equal."""


class NotConverted(Exception):
    """The model cannot be converted to ONNX; the message tells the client why."""


def export_onnx(blueprint_json: str, weights_path: str, target_path: str) -> ExportResult:
    """Write a model's ONNX file and compare its outputs with Keras's on generated rows.

    Inputs and outputs have the names of the graph; the first axis of each is dynamic.

    Args:
        blueprint_json: JSON of a `Blueprint`.
        weights_path: Path of the model's `model.safetensors`.
        target_path: Path of the file to write. The caller deletes its folder, in which temporary
            files may remain.

    Returns:
        The file's size and hash, or the reason why the model cannot be converted. In the second
        case there is no file.

    Raises:
        OSError: The file cannot be written, e.g. because the disk is full.
    """
    target = Path(target_path)
    built = restore(blueprint_json, weights_path)
    try:
        with _temporary_files_in(target.parent):
            _convert(built, target)
        _compare(built, target)
    except NotConverted as reason:
        target.unlink(missing_ok=True)
        return ExportResult(reason=str(reason))
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ExportResult(bytes=target.stat().st_size, sha256=digest)


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Create temporary files in `folder`.

    AutoGraph deletes its temporary files only when its process exits normally. The API kills its
    child processes.
    """
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _convert(built: BuiltModel, path: Path) -> None:
    if set(_inputs(built)) & built.model.output.keys():
        raise NotConverted("In ONNX an output cannot have the name of an input.")
    signature = [
        keras.InputSpec(shape=tensor.shape, dtype=tensor.dtype, name=name)
        for tensor, name in zip(built.model.inputs, _inputs(built), strict=True)
    ]
    try:
        built.model.export(path, format="onnx", verbose=False, input_signature=[signature])
    except OSError:
        raise
    except Exception as error:
        log.info("Keras cannot export the model to ONNX: %s", error)
        raise NotConverted("A layer of this model cannot be converted to ONNX.") from error


def _inputs(built: BuiltModel) -> list[str]:
    return [item.name for item in built.blueprint.definition.inputs]


def _compare(built: BuiltModel, path: Path) -> None:
    inputs = generate_rows(built.model, TEST_ROWS)
    keras_outputs = _run_keras(built, inputs)
    onnx_outputs = _run_onnx(path, dict(zip(_inputs(built), inputs, strict=True)))
    if onnx_outputs.keys() != keras_outputs.keys():
        raise NotConverted("The conversion to ONNX changes the names of the outputs.")
    for name, array in keras_outputs.items():
        tolerance = TOLERANCES.get(array.dtype.name, 0.0)
        if array.shape != onnx_outputs[name].shape or not np.allclose(
            array, onnx_outputs[name], rtol=tolerance, atol=tolerance, equal_nan=True
        ):
            raise NotConverted(f"ONNX computes other values than Keras for output '{name}'.")


def _run_keras(built: BuiltModel, inputs: list[Any]) -> Arrays:
    try:
        return make_forward(built.model)(inputs)
    except Exception as error:  # e.g. a division by an integer input: generated integers are 0
        log.info("Keras cannot run the model on generated rows: %s", error)
        raise NotConverted("Keras cannot run this model on generated rows.") from error


def _run_onnx(path: Path, inputs: Arrays) -> Arrays:
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [item.name for item in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs), strict=True))
    except Exception as error:
        log.info("onnxruntime cannot run the model: %s", error)
        raise NotConverted("onnxruntime cannot run this model.") from error
