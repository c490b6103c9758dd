"""The functions that other packages run in a process that has imported Keras.

`domain.entrypoints` lists their names. Messages cross the process boundary as JSON of classes in
`domain`, tensors as NumPy arrays.
"""

from collections.abc import Callable

from compiler import keras_files
from compiler.catalogue.descriptions import describe_layers as layers
from compiler.catalogue.descriptions import describe_ops as ops
from compiler.check import check
from compiler.inference import onnx
from compiler.inference import predict as prediction
from compiler.inference.forward import Arrays
from compiler.inference.misfit import Lengths
from compiler.inference.misfit import find_misfit as find_node
from compiler.keras_json import read, write
from compiler.model.size_limits import Note, SizeCounter
from compiler.training.descriptions import describe_components as components
from domain.check import CheckRequest
from domain.graph.language import Blueprint
from domain.graph.limits import STANDARD, Limits


def check_graph(request_json: str, note: Note | None = None) -> str:
    """Check a graph without allocating a weight.

    Args:
        request_json: A `CheckRequest`.
        note: Shared memory that receives the pointer of the node being called.

    Returns:
        A `CheckResult`.
    """
    request = CheckRequest.model_validate_json(request_json)
    return check(request, SizeCounter(request.limits, note)).model_dump_json()


def describe_layers() -> str:
    """Describe every layer that a graph may use.

    Returns:
        `Layers`.
    """
    return layers.describe_layers().model_dump_json(by_alias=True)


def describe_ops() -> str:
    """Describe every function of `keras.ops` that a node may call.

    Returns:
        `Ops`.
    """
    return ops.describe_ops().model_dump_json()


def describe_components() -> str:
    """Describe every optimizer, loss, metric and other component that a request may name.

    Returns:
        `Catalogues`.
    """
    return components.describe_components().model_dump_json(by_alias=True)


def read_keras_json(text: str, limits: Limits = STANDARD) -> str:
    """Read the JSON that `model.to_json()` of Keras 3 or 2 returns.

    Args:
        text: The JSON.
        limits: The limits of the graph that is returned.

    Returns:
        A `ReadResult`.
    """
    return read.read(text, limits).model_dump_json(by_alias=True)


def write_keras_json(blueprint_json: str) -> str:
    """Write a graph as Keras's own JSON.

    Args:
        blueprint_json: The `Blueprint` of a graph that was checked before.

    Returns:
        A `WriteResult`.
    """
    return write.write(Blueprint.model_validate_json(blueprint_json)).model_dump_json()


def open_model(blueprint_json: str, weights_path: str) -> Callable[[Arrays, int], Arrays]:
    """Build a model and read its weights.

    Args:
        blueprint_json: The model's `Blueprint`.
        weights_path: The model's `model.safetensors`.

    Returns:
        A function from arrays of shape (rows, ...) by input, and the number of rows in one call of
        the model, to arrays of shape (rows, ...) by output.
    """
    return prediction.open_model(blueprint_json, weights_path)


def find_misfit(blueprint_json: str, lengths: Lengths) -> str | None:
    """Find the node of a model that cannot compute rows of given lengths.

    Args:
        blueprint_json: The model's `Blueprint`.
        lengths: The shape of one row of each input, by name.

    Returns:
        The node's name and the reason; None if every node takes its lengths.
    """
    return find_node(Blueprint.model_validate_json(blueprint_json), lengths)


def export_keras(blueprint_json: str, weights_path: str, folder: str) -> str:
    """Write a model's files in Keras's formats, and verify each by reading it back.

    Args:
        blueprint_json: The model's `Blueprint`.
        weights_path: The model's `model.safetensors`.
        folder: An existing folder for the files.

    Returns:
        A `KerasExport`.

    Raises:
        OSError: A file cannot be written, e.g. because the disk is full.
    """
    return keras_files.export_keras(blueprint_json, weights_path, folder).model_dump_json()


def export_onnx(blueprint_json: str, weights_path: str, target_path: str) -> str:
    """Write a model's ONNX file and verify it on sample rows.

    Args:
        blueprint_json: The model's `Blueprint`.
        weights_path: The model's `model.safetensors`.
        target_path: A file in a folder that the caller deletes; temporary files may remain there.

    Returns:
        An `ExportResult`.

    Raises:
        OSError: The file cannot be written, e.g. because the disk is full.
    """
    return onnx.export_onnx(blueprint_json, weights_path, target_path).model_dump_json()
