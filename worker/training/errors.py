"""Converts the errors of a training process to failures for the client."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from compiler.model.keras_errors import explain
from domain.dtype import TEXT
from domain.errors import Invalid, NotJson, TooLarge, is_disk_full
from models_store.datasets.columns.read import open_column
from worker.protocol.failures import STORAGE_FULL, describe_limit
from worker.protocol.messages import Failed
from worker.protocol.tasks import (
    ColumnFiles,
    ImportTask,
    InferenceTask,
    ModelTask,
    Task,
    TrainTask,
)
from worker.training.error_origin import find_place, is_raised_by_keras
from worker.training.fetching.remote import CannotFetch, FetchInterrupted
from worker.training.hardware.devices import NoSuchDevices

MOST_FAULTS = 5
"""Faults of a file that the error of an import repeats."""
_INDEX = re.compile(r"= (?P<value>-?\d+) is not in \[0, (?P<count>\d+)\)")
_LABEL = re.compile(r"label value of (?P<value>-?\d+) which is outside .* \[0, (?P<count>\d+)\)")

_STEP = 1 << 16
"""Rows that are searched at once."""
_ON_GPU = re.compile(r"OOM when allocating .* by allocator GPU|CUDA_ERROR_OUT_OF_MEMORY", re.DOTALL)
"""A GPU runs one job at a time, so a job that fills it would fill it in each attempt."""
_GPU_IS_FULL = (
    "The training needs more memory than the GPU has; "
    "a smaller `batch_size`, `mixed_precision` or several `gpus` make it need less."
)


class CannotTrain(Exception):
    """Keras refuses the combination of graph, recipe and data. The text is for the client."""

    def __init__(self, detail: str, pointer: str) -> None:
        """Takes the text.

        Args:
            detail: Why the training is refused.
            pointer: A JSON Pointer into the job's request.
        """
        super().__init__(detail)
        self.pointer = pointer


@contextmanager
def refused_by_keras(*kinds: type[Exception], graph_place: str) -> Iterator[None]:
    """Converts these exceptions of Keras to CannotTrain: the request is at fault.

    Args:
        kinds: The classes of exceptions.
        graph_place: The place of the graph in the job's request.
    """
    try:
        yield
    except kinds as error:
        raise CannotTrain(str(error), find_place(error, graph_place)) from error


_OF_THE_FILE: Mapping[type[Exception], tuple[str, str]] = {
    Invalid: ("invalid-data", "The file cannot be read as a dataset"),
    NotJson: ("not-json", "The file is not JSON"),
    TooLarge: ("too-large", "The file is too large"),
    CannotFetch: ("cannot-fetch", "The file cannot be fetched"),
}
"""The type and the title of failures for which the file of an import is the cause."""
REQUEST_ERRORS = (Invalid, NotJson, TooLarge, CannotTrain, CannotFetch, FetchInterrupted)
"""Errors of the request, which need no traceback in the log."""


def make_failure(error: Exception, task: Task) -> Failed:
    """Returns the failure of an error, without a traceback and without a path of the server."""
    if isinstance(task, ImportTask):
        return _make_import_failure(error, task)
    return _make_model_failure(error, task)


def _make_import_failure(error: Exception, task: ImportTask) -> Failed:
    """Returns the failure; if the file is at fault, another attempt would fail as well."""
    place = task.plan.place
    for kind, (type_, title) in _OF_THE_FILE.items():
        if isinstance(error, kind):
            detail = describe_faults(error) if isinstance(error, Invalid) else str(error)
            return _make_user_failure(type_, title, detail, place)
    if isinstance(error, FetchInterrupted):
        title = "The file could not be fetched"
        return Failed("fetch-interrupted", title, str(error), "infrastructure", place)
    if isinstance(error, MemoryError) and task.memory_bytes:
        detail = f"The import needs more than {describe_limit(task.memory_bytes)}."
        return _make_user_failure("out-of-memory", "Out of memory", detail, place)
    if is_disk_full(error):
        return _make_full_failure()
    return _make_internal_failure(
        "internal", "The import stopped", "The worker met an internal error."
    )


def describe_faults(invalid: Invalid) -> str:
    """Returns the first faults of a file as one text, each with its place in the file."""
    shown = [
        f"{fault.pointer}: {fault.detail}" if fault.pointer else fault.detail
        for fault in invalid.faults[:MOST_FAULTS]
    ]
    left = len(invalid.faults) - len(shown)
    return " ".join([*shown, f"There are {left} more faults."] if left > 0 else shown)


def _make_model_failure(error: Exception, task: ModelTask) -> Failed:
    """Returns the failure of an error of a job that makes a model.

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
            return _describe_memory(error, task)
        case Invalid():
            fault, title = error.faults[0], "The job cannot be built"
            place = f"{task.graph_place}{fault.pointer}"
            return _make_user_failure("invalid-request", title, fault.detail, place)
        case CannotTrain():
            return _make_refusal(task, str(error), error.pointer)
        case tf.errors.InvalidArgumentError():
            return _describe_data(str(error), task)
        case _ if is_disk_full(error):
            return _make_full_failure()
        case _:
            return _classify(error, task)


def _make_user_failure(type_: str, title: str, detail: str, pointer: str) -> Failed:
    return Failed(type_, title, detail, "user", pointer)


def _make_training_failure(detail: str, pointer: str) -> Failed:
    title = "The model cannot be trained like this"
    return _make_user_failure("cannot-train", title, detail, pointer)


def _make_refusal(task: ModelTask, detail: str, pointer: str) -> Failed:
    """Returns the failure of a job whose model and data cannot be used together."""
    if isinstance(task, InferenceTask):
        title = "The data does not fit the model"
        return _make_user_failure("data-mismatch", title, detail, pointer)
    return _make_training_failure(detail, pointer)


def _make_internal_failure(type_: str, title: str, detail: str) -> Failed:
    return Failed(type_, title, detail, "infrastructure")


def _make_full_failure() -> Failed:
    detail = "The worker has no room for the files."
    return _make_internal_failure(STORAGE_FULL, "No disk space left", detail)


def _classify(error: Exception, task: ModelTask) -> Failed:
    machine = isinstance(error, OSError | tf.errors.OpError)
    if not machine and is_raised_by_keras(error):
        place = find_place(error, task.graph_place)
        place = place if isinstance(task, TrainTask) else task.graph_place
        return _make_refusal(task, f"Keras refused it: {explain(error)}", place)
    what = "job" if isinstance(task, InferenceTask) else "training"
    return _make_internal_failure(
        "internal", f"The {what} stopped", "The worker met an internal error."
    )


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return True
    return isinstance(error, tf.errors.OpError) and _ON_GPU.search(str(error)) is not None


def _describe_memory(error: Exception, task: ModelTask) -> Failed:
    """Returns the failure; on a GPU or with a limit, another attempt would fail as well."""
    title, limit = "Out of memory", task.memory_bytes
    place = "/fit/batch_size" if isinstance(task, TrainTask) else task.graph_place
    if isinstance(task, InferenceTask):
        place = "/batch_size"
    if _ON_GPU.search(str(error)):
        return _make_user_failure("out-of-memory", title, _GPU_IS_FULL, place)
    if limit:
        detail = f"The training needs more than {describe_limit(limit)}."
        return _make_user_failure("out-of-memory", title, detail, place)
    return _make_internal_failure(
        "out-of-memory", title, "The training needs more memory than there is."
    )


def _describe_data(text: str, task: ModelTask) -> Failed:
    """Returns the failure; names the column with an index outside an embedding or the classes."""
    title = "The data does not fit the graph"
    found = _INDEX.search(text) or _LABEL.search(text)
    if found is None or not isinstance(task, TrainTask | InferenceTask):
        place = "/dataset" if isinstance(task, TrainTask | InferenceTask) else task.graph_place
        detail = "A batch of the data does not fit a layer or loss."
        return _make_user_failure("data-mismatch", title, detail, place)
    recipe = task.recipe
    if "compile_loss/" in text:
        columns = {name: [item.target] for name, item in recipe.outputs.items() if item.target}
        place = "targets"
    else:
        columns, place = recipe.inputs, "inputs"
    value, count = int(found["value"]), int(found["count"])
    found_at = next(
        ((n, c) for n, listed in columns.items() for c in listed if _contains(task, c, value)), None
    )
    where = "A column" if found_at is None else "Column '{1}', which feeds '{0}',".format(*found_at)
    detail = f"{where} contains {value}; the graph accepts only 0 to {count - 1}."
    return _make_user_failure("index-out-of-range", title, detail, f"/feed/{place}")


def _contains(task: TrainTask | InferenceTask, column: str, value: int) -> bool:
    files = [task.columns[column]]
    if isinstance(task, TrainTask) and task.validation_columns is not None:
        files.append(task.validation_columns[column])
    return any(_holds(file, value) for file in files if file.dtype != TEXT)


def _holds(file: ColumnFiles, value: int) -> bool:
    stored = open_column(file.dtype, file.shape, file.files)
    ranges = ((start, min(start + _STEP, stored.rows)) for start in range(0, stored.rows, _STEP))
    return any(bool(np.any(stored.read(start, stop).values == value)) for start, stop in ranges)
