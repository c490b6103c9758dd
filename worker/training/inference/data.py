"""Opens the data of an evaluate or predict job, prepared as the training of its model was."""

from typing import Any

import numpy as np
from pydantic import JsonValue

from domain.dtype import TEXT, kind_of
from models_store.datasets.columns.read import StoredColumn
from worker.protocol.tasks import InferenceTask
from worker.training.rows.examples import find_examples
from worker.training.rows.prepared import DataPart, PreparedData, open_columns
from worker.training.rows.sources import Array


def open_data(task: InferenceTask, purpose: str) -> PreparedData:
    """Opens the columns of a task, and finds its examples.

    Args:
        task: The task.
        purpose: What the rows are for, in the message of an error: `evaluate`.

    Raises:
        CannotTrain: No row is left.
    """
    columns = open_columns(task.columns)
    rows = range(len(next(iter(columns.values()))))
    examples = find_examples(task.recipe, columns, rows, purpose)
    dtypes = {tensor.name: tensor.dtype for tensor in task.summary.inputs}
    fills = {name: _make_fill(value, columns[name]) for name, value in task.fills.items()}
    part = DataPart(columns, examples, trains=False)
    return PreparedData(task.recipe, dtypes, part, None, fills)


def _make_fill(value: JsonValue, column: StoredColumn) -> Array:
    """Returns the array that a training has for a value, or for nested lists of values."""
    if column.dtype == TEXT:
        return np.array(_find_text(value).encode(), object)
    fill = np.asarray(value)
    is_whole = kind_of(column.dtype) == "integer" and bool(np.all(fill == np.floor(fill)))
    return fill.astype(np.int64) if is_whole and fill.dtype.kind == "f" else fill


def _find_text(value: Any) -> str:
    """Returns a text, or the first one of nested lists, which have one text in all places."""
    while isinstance(value, list):
        value = value[0]
    return str(value)
