"""Converts the errors of a training process to failures for the client."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from compiler.model.keras_errors import explain
from domain.errors import Invalid
from models_store.files.disk import FULL
from worker.protocol.failures import STORAGE_FULL, describe_limit
from worker.protocol.messages import Failed
from worker.protocol.tasks import Task, TrainTask
from worker.training.error_origin import is_raised_by_keras
from worker.training.hardware.devices import NoSuchDevices

_INDEX = re.compile(r"= (?P<value>-?\d+) is not in \[0, (?P<count>\d+)\)")
_LABEL = re.compile(r"label value of (?P<value>-?\d+) which is outside .* \[0, (?P<count>\d+)\)")

_ON_GPU = re.compile(r"OOM when allocating .* by allocator GPU|CUDA_ERROR_OUT_OF_MEMORY", re.DOTALL)
"""A GPU runs one job at a time, so a job that fills it would fill it in each attempt."""
_GPU_IS_FULL = (
    "The training needs more memory than the GPU has; "
    "a smaller `batch_size`, `mixed_precision` or several `gpus` make it need less."
)


class CannotTrain(Exception):
    """Keras refuses the combination of graph, recipe and data. The text is for the client."""


@contextmanager
def refused_by_keras(*kinds: type[Exception]) -> Iterator[None]:
    """Converts these exceptions of Keras to CannotTrain: the request is at fault."""
    try:
        yield
    except kinds as error:
        raise CannotTrain(str(error)) from error


def make_failure(error: Exception, task: Task) -> Failed:
    """Returns the failure of an error, without a traceback and without a path of the server.

    If Keras or TensorFlow raises an error while it builds, traces or runs the client's graph, the
    request is at fault, and another attempt would fail as well. All other errors are
    infrastructure failures.
    """
    match error:
        case NoSuchDevices():
            return _make_internal_failure(
                "no-such-devices", "The worker lacks the devices", str(error)
            )
        case _ if _is_out_of_memory(error):
            return _describe_memory(error, task.memory_bytes)
        case Invalid():
            fault, title = error.faults[0], "The job cannot be built"
            place = f"{task.graph_place}{fault.pointer}"
            return _make_user_failure("invalid-request", title, fault.detail, place)
        case CannotTrain():
            return _make_training_failure(str(error))
        case tf.errors.InvalidArgumentError():
            return _describe_data(str(error), task)
        case _ if is_disk_full(error):
            return _make_internal_failure(
                STORAGE_FULL, "No disk space left", "The worker has no room for the files."
            )
        case _:
            return _classify(error)


def is_disk_full(error: Exception) -> bool:
    """Returns whether the disk is full. HDF5 and safetensors give the errno only in the text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL
    return any(re.search(rf"(os error|errno =) {number}\b", str(error)) for number in FULL)


def _make_user_failure(type_: str, title: str, detail: str, pointer: str | None = None) -> Failed:
    return Failed(type_, title, detail, "user", pointer)


def _make_training_failure(detail: str) -> Failed:
    return _make_user_failure("cannot-train", "The model cannot be trained like this", detail)


def _make_internal_failure(type_: str, title: str, detail: str) -> Failed:
    return Failed(type_, title, detail, "infrastructure")


def _classify(error: Exception) -> Failed:
    machine = isinstance(error, OSError | tf.errors.OpError)
    if not machine and is_raised_by_keras(error):
        return _make_training_failure(f"Keras refused it: {explain(error)}")
    return _make_internal_failure(
        "internal", "The training stopped", "The worker met an internal error."
    )


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return True
    return isinstance(error, tf.errors.OpError) and _ON_GPU.search(str(error)) is not None


def _describe_memory(error: Exception, limit: int) -> Failed:
    """Returns the failure; on a GPU or with a limit, another attempt would fail as well."""
    title = "Out of memory"
    if _ON_GPU.search(str(error)):
        return _make_user_failure("out-of-memory", title, _GPU_IS_FULL)
    if limit:
        detail = f"The training needs more than {describe_limit(limit)}."
        return _make_user_failure("out-of-memory", title, detail)
    return _make_internal_failure(
        "out-of-memory", title, "The training needs more memory than there is."
    )


def _describe_data(text: str, task: Task) -> Failed:
    """Returns the failure; names the column with an index outside an embedding or the classes."""
    title = "The data does not fit the graph"
    found = _INDEX.search(text) or _LABEL.search(text)
    if found is None or not isinstance(task, TrainTask):
        return _make_user_failure(
            "data-mismatch", title, "A batch of the data does not fit a layer or loss."
        )
    recipe = task.recipe
    if "compile_loss/" in text:
        columns = {name: item.target for name, item in recipe.outputs.items() if item.target}
        place = "targets"
    else:
        columns, place = recipe.inputs, "inputs"
    value, count = int(found["value"]), int(found["count"])
    name = next((n for n, c in columns.items() if _contains(task, c, value)), None)
    where = "A column" if name is None else f"Column '{columns[name]}', which feeds '{name}',"
    detail = f"{where} contains {value}; the graph accepts only 0 to {count - 1}."
    return _make_user_failure("index-out-of-range", title, detail, f"/feed/{place}")


def _contains(task: TrainTask, column: str, value: int) -> bool:
    paths = [task.columns[column]]
    if task.validation_columns is not None:
        paths.append(task.validation_columns[column])
    return any(bool(np.any(np.load(path, mmap_mode="r") == value)) for path in paths)
