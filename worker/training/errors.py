"""Turns the errors of a training process into failures for the client."""

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
    """Turns these exceptions of Keras into CannotTrain: the request is at fault."""
    try:
        yield
    except kinds as error:
        raise CannotTrain(str(error)) from error


def failure_of(error: Exception, task: Task) -> Failed:
    """The failure that an error means, without a traceback and without a path of the server.

    If Keras or TensorFlow raises an error while it builds, traces or runs the client's graph, the
    request is at fault, and another attempt would fail as well. All other errors are ours.
    """
    match error:
        case NoSuchDevices():
            return _ours("no-such-devices", "The worker lacks the devices", str(error))
        case _ if _is_out_of_memory(error):
            return _out_of_memory(error, task.memory_bytes)
        case Invalid():
            fault, title = error.faults[0], "The job cannot be built"
            place = f"{task.graph_place}{fault.pointer}"
            return _users("invalid-request", title, fault.detail, place)
        case CannotTrain():
            return _cannot_train(str(error))
        case tf.errors.InvalidArgumentError():
            return _invalid_argument(str(error), task)
        case _ if disk_is_full(error):
            return _ours(STORAGE_FULL, "No room left", "The worker has no room for the files.")
        case _:
            return _unknown(error)


def disk_is_full(error: Exception) -> bool:
    """Whether an error means a full disk. HDF5 and safetensors tell its number only in the text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL
    return any(re.search(rf"(os error|errno =) {number}\b", str(error)) for number in FULL)


def _users(type_: str, title: str, detail: str, pointer: str | None = None) -> Failed:
    return Failed(type_, title, detail, "user", pointer)


def _cannot_train(detail: str) -> Failed:
    return _users("cannot-train", "The model cannot be trained like this", detail)


def _ours(type_: str, title: str, detail: str) -> Failed:
    return Failed(type_, title, detail, "infrastructure")


def _unknown(error: Exception) -> Failed:
    machine = isinstance(error, OSError | tf.errors.OpError)
    if not machine and is_raised_by_keras(error):
        return _cannot_train(f"Keras refused it: {explain(error)}")
    return _ours("internal", "The training broke off", "The worker met an internal error.")


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return True
    return isinstance(error, tf.errors.OpError) and _ON_GPU.search(str(error)) is not None


def _out_of_memory(error: Exception, limit: int) -> Failed:
    """The job is at fault on a GPU or with a memory limit: another attempt would fail as well."""
    title = "Out of memory"
    if _ON_GPU.search(str(error)):
        return _users("out-of-memory", title, _GPU_IS_FULL)
    if limit:
        detail = f"The training needs more than {describe_limit(limit)}."
        return _users("out-of-memory", title, detail)
    return _ours("out-of-memory", title, "The training needs more memory than there is.")


def _invalid_argument(text: str, task: Task) -> Failed:
    """Names the column with an index beyond an embedding's rows or a loss's classes."""
    title = "The data does not fit the graph"
    found = _INDEX.search(text) or _LABEL.search(text)
    if found is None or not isinstance(task, TrainTask):
        return _users("data-mismatch", title, "A batch of the data does not fit a layer or loss.")
    recipe = task.recipe
    if "compile_loss/" in text:
        columns = {name: item.target for name, item in recipe.outputs.items() if item.target}
        place = "targets"
    else:
        columns, place = recipe.inputs, "inputs"
    value, count = int(found["value"]), int(found["count"])
    name = next((n for n, c in columns.items() if _contains(task, c, value)), None)
    where = "A column" if name is None else f"Column '{columns[name]}', which feeds '{name}',"
    detail = f"{where} holds {value}; only 0 to {count - 1} are known to the graph."
    return _users("index-out-of-range", title, detail, f"/feed/{place}")


def _contains(task: TrainTask, column: str, value: int) -> bool:
    paths = [task.columns[column]]
    if task.validation_columns is not None:
        paths.append(task.validation_columns[column])
    return any(bool(np.any(np.load(path, mmap_mode="r") == value)) for path in paths)
