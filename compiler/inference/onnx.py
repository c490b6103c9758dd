"""Exports a model to ONNX, and compares the outputs of the file with those of Keras."""

import hashlib
import logging
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import onnxruntime

from compiler.inference.comparison import Difference, compare_batch
from compiler.inference.conversions import register_conversions
from compiler.inference.forward import Array, Arrays, Forward
from compiler.inference.graph_operations import Use, changes_variables, find_uses
from compiler.inference.onnx_operations import find_differing, needs_finite_values
from compiler.inference.predict import restore
from compiler.inference.probe import make_batches
from compiler.model.build import BuiltModel
from domain.job.inputs import find_embedding_sizes
from domain.model import ExportResult

log = logging.getLogger(__name__)


class NotConverted(Exception):
    """The model cannot be converted to ONNX; the message tells the client why."""


def export_onnx(blueprint_json: str, weights_path: str, target_path: str) -> ExportResult:
    """Write a model's ONNX file and compare its outputs with Keras's on edge values.

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
            _write(built, target)
    except NotConverted as reason:
        target.unlink(missing_ok=True)
        return ExportResult(reason=str(reason))
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ExportResult(bytes=target.stat().st_size, sha256=digest)


def _write(built: BuiltModel, target: Path) -> None:
    """Write the file if ONNX computes the model as Keras does.

    Raises:
        NotConverted: ONNX cannot express the model, or may compute otherwise.
    """
    forward, sizes = Forward(built.model), _find_index_sizes(built)
    if changes_variables(forward.definition):
        raise NotConverted("A prediction changes variables of this model.")
    uses = find_uses(forward.definition, sizes)
    has_unknown = any(None in item.shape[1:] for item in built.model.inputs)
    _refuse_operations(uses, has_unknown)
    _convert(built, target)
    batches = make_batches(built.model, sizes, with_finite_only=needs_finite_values(uses))
    _compare(built, forward, batches, target)


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
    register_conversions()
    try:
        built.model.export(path, format="onnx", verbose=False, input_signature=[signature])
    except OSError:
        raise
    except Exception as error:
        log.info("Keras cannot export the model to ONNX: %s", error)
        raise NotConverted("A layer of this model cannot be converted to ONNX.") from error


def _refuse_operations(uses: Collection[Use], has_unknown_lengths: bool) -> None:
    """Refuse a model with an operation that is not known to compute the same in ONNX.

    Raises:
        NotConverted: There is such an operation.
    """
    use = find_differing(uses, has_unknown_lengths=has_unknown_lengths)
    if use is not None:
        raise NotConverted(
            f"ONNX may compute '{use.operation}' of {use.dtype} otherwise than TensorFlow."
        )


def _inputs(built: BuiltModel) -> list[str]:
    return [item.name for item in built.blueprint.definition.inputs]


def _compare(
    built: BuiltModel, forward: Forward, batches: Iterable[list[Array]], path: Path
) -> None:
    """Compare the outputs of the file with those of Keras on batches of rows.

    Raises:
        NotConverted: They differ.
    """
    names = _inputs(built)
    session = _open_session(path)
    outputs = [item.name for item in session.get_outputs()]

    def run_onnx(inputs: Sequence[Array]) -> Arrays:
        arrays = session.run(outputs, dict(zip(names, inputs, strict=True)))
        return dict(zip(outputs, arrays, strict=True))

    try:
        computed = [compare_batch(forward, run_onnx, batch) for batch in batches]
    except Difference as difference:
        raise NotConverted(str(difference)) from difference
    if not any(computed):
        raise NotConverted("Keras cannot run this model on generated rows.")


def _open_session(path: Path) -> Any:
    try:
        return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:
        log.info("onnxruntime cannot open the model: %s", error)
        raise NotConverted("onnxruntime cannot run this model.") from error


def _find_index_sizes(built: BuiltModel) -> dict[int, int]:
    """Return the number of indices of each input that feeds an Embedding, by its position.

    A prediction is refused if such an input holds another value.
    """
    sizes = find_embedding_sizes(built.blueprint.definition)
    return {i: sizes[name] for i, name in enumerate(_inputs(built)) if name in sizes}
