"""A model as an ONNX file that gives what Keras gives, in a process of its own."""

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

from compiler.inference.forward import Arrays, forward_of, probe
from compiler.inference.predict import restored
from compiler.model.build import Built
from domain.model import ExportResult

log = logging.getLogger(__name__)

PROBE_ROWS = 3
TOLERANCES = {"float16": 1e-2, "float32": 1e-5, "float64": 1e-5}
"""Relative and absolute; other dtypes have to be equal."""


class NotConverted(Exception):
    """There is no ONNX file of this model; the text tells the client why."""


def export_onnx(blueprint_json: str, weights_path: str, target_path: str) -> ExportResult:
    """Write a model's ONNX file and try it.

    Inputs and outputs have the names of the graph; the first axis of each is dynamic.

    Args:
        blueprint_json: A `Blueprint`.
        weights_path: The model's `model.safetensors`.
        target_path: In a folder that the caller deletes: more than the file may be left there.

    Returns:
        The file's size and hash, or the reason why the model cannot be converted; then there is
        no file.

    Raises:
        OSError: E.g. the disk is full.
    """
    target = Path(target_path)
    built = restored(blueprint_json, weights_path)
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
    """AutoGraph deletes its own only when its process ends by itself, which no child does."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _convert(built: Built, path: Path) -> None:
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
        log.info("No ONNX file: %s", error)
        raise NotConverted("A layer of this model cannot be converted to ONNX.") from error


def _inputs(built: Built) -> list[str]:
    return [item.name for item in built.blueprint.definition.inputs]


def _compare(built: Built, path: Path) -> None:
    inputs = probe(built.model, PROBE_ROWS)
    ours = _tried(built, inputs)
    theirs = _run(path, dict(zip(_inputs(built), inputs, strict=True)))
    if theirs.keys() != ours.keys():
        raise NotConverted("The names of the graph do not survive the conversion to ONNX.")
    for name, array in ours.items():
        tolerance = TOLERANCES.get(array.dtype.name, 0.0)
        if array.shape != theirs[name].shape or not np.allclose(
            array, theirs[name], rtol=tolerance, atol=tolerance, equal_nan=True
        ):
            raise NotConverted(f"ONNX gives other values than Keras for output '{name}'.")


def _tried(built: Built, inputs: list[Any]) -> Arrays:
    try:
        return forward_of(built.model)(inputs)
    except Exception as error:  # e.g. a division by a whole number, which the probe has as 0
        log.info("Not tried: %s", error)
        raise NotConverted("This model cannot be tried on made-up rows.") from error


def _run(path: Path, inputs: Arrays) -> Arrays:
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [item.name for item in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs), strict=True))
    except Exception as error:
        log.info("onnxruntime refuses: %s", error)
        raise NotConverted("onnxruntime cannot run this model.") from error
