"""What went wrong in a training process, in words for the client."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from compiler.model.keras_errors import plain
from domain.errors import Invalid
from models_store.files.disk import FULL
from worker.protocol.failures import STORAGE_FULL, allowed
from worker.protocol.messages import Failed
from worker.protocol.training_order import Order
from worker.training.devices import NoSuchDevices

_INDEX = re.compile(r"= (?P<value>-?\d+) is not in \[0, (?P<count>\d+)\)")
_LABEL = re.compile(r"label value of (?P<value>-?\d+) which is outside .* \[0, (?P<count>\d+)\)")

_ON_GPU = re.compile(r"OOM when allocating .* by allocator GPU|CUDA_ERROR_OUT_OF_MEMORY", re.DOTALL)
"""A GPU belongs to one job at a time, so that one which fills it would fill it again."""
_GPU_IS_FULL = (
    "The training needs more memory than the GPU has; "
    "a smaller `batch_size`, `mixed_precision` or several `gpus` make it need less."
)


class CannotTrain(Exception):
    """Keras refuses the combination of graph, recipe and data; its text says why."""


@contextmanager
def refused_by_keras(*kinds: type[Exception]) -> Iterator[None]:
    """Within, these errors of Keras's mean that the request is at fault."""
    try:
        yield
    except kinds as error:
        raise CannotTrain(str(error)) from error


def failure_of(error: Exception, order: Order) -> Failed:
    """No trace and no path.

    What Keras and TensorFlow raise while they build, trace or run the client's graph is the
    request's fault, and would be again; only the machine's own troubles are ours.
    """
    match error:
        case NoSuchDevices():
            return _ours("no-such-devices", "The worker lacks the devices", str(error))
        case _ if _is_out_of_memory(error):
            return _out_of_memory(error, order.memory_bytes)
        case Invalid():
            fault, title = error.faults[0], "The job cannot be built"
            place = f"{order.graph_place}{fault.pointer}"
            return _user("invalid-request", title, fault.detail, place)
        case CannotTrain():
            return _user("cannot-train", "The model cannot be trained like this", str(error))
        case tf.errors.InvalidArgumentError():
            return _invalid_argument(str(error), order)
        case _ if disk_is_full(error):
            return _ours(STORAGE_FULL, "No room left", "The worker has no room for the files.")
        case OSError() | tf.errors.OpError():
            return _ours("internal", "The training broke off", "The worker met an internal error.")
        case _:
            detail = f"Keras refused it: {plain(error)}"
            return _user("cannot-train", "The model cannot be trained like this", detail)


def disk_is_full(error: Exception) -> bool:
    """Also where the error number stands only in the text, as with HDF5 and safetensors."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL
    return any(re.search(rf"(os error|errno =) {number}\b", str(error)) for number in FULL)


def _user(type_: str, title: str, detail: str, pointer: str | None = None) -> Failed:
    return Failed(type_, title, detail, "user", pointer)


def _ours(type_: str, title: str, detail: str) -> Failed:
    return Failed(type_, title, detail, "infrastructure")


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return True
    return isinstance(error, tf.errors.OpError) and _ON_GPU.search(str(error)) is not None


def _out_of_memory(error: Exception, most: int) -> Failed:
    """Over a bound of its own it is the job that asks for too much, and would again."""
    title = "Out of memory"
    if _ON_GPU.search(str(error)):
        return _user("out-of-memory", title, _GPU_IS_FULL)
    if most:
        return _user("out-of-memory", title, f"The training needs more than {allowed(most)}.")
    return _ours("out-of-memory", title, "The training needs more memory than there is.")


def _invalid_argument(text: str, order: Order) -> Failed:
    """An index beyond an embedding's rows or a loss's classes, where TensorFlow says so."""
    title = "The data does not fit the graph"
    found, recipe = _INDEX.search(text) or _LABEL.search(text), order.recipe
    if found is None or recipe is None:
        return _user("data-mismatch", title, "A batch of the data does not fit a layer or loss.")
    if "compile_loss/" in text:
        columns = {name: item.target for name, item in recipe.outputs.items() if item.target}
        place = "targets"
    else:
        columns, place = recipe.inputs, "inputs"
    value, count = int(found["value"]), int(found["count"])
    name = next((n for n, c in columns.items() if _holds(order, c, value)), None)
    where = "A column" if name is None else f"Column '{columns[name]}', which feeds '{name}',"
    detail = f"{where} holds {value}; only 0 to {count - 1} are known to the graph."
    return _user("index-out-of-range", title, detail, f"/feed/{place}")


def _holds(order: Order, column: str, value: int) -> bool:
    paths = [order.columns[column]]
    if order.validation_columns is not None:
        paths.append(order.validation_columns[column])
    return any(bool(np.any(np.load(path, mmap_mode="r") == value)) for path in paths)
