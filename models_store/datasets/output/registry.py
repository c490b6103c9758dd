"""The formats in which a dataset is sent, and the columns that each can express."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Literal, NamedTuple, get_args

from domain.dataset import Column, Dataset
from domain.dtype import TEXT
from domain.errors import Fault, raise_if_any
from models_store.datasets.formats.body import MAX_COLUMNS
from models_store.datasets.output.blocks import RowBlocks
from models_store.files.store import ArtifactStore

OutputName = Literal["csv", "ndjson", "parquet", "arrow", "npz", "safetensors"]
Reason = str | None
"""Why a format cannot express a column, as a clause; None if it can."""


class Output(NamedTuple):
    """A format in which a dataset is sent."""

    media_type: str
    extension: str
    writer: tuple[str, str]
    """The module and the function that write it."""
    explain: Callable[[Column], Reason]


def _explain_csv(column: Column) -> Reason:
    return "its rows differ in length" if column.is_ragged else None


def _explain_lines(column: Column) -> Reason:
    return "it has values that are not finite" if column.not_finite else None


def _explain_table(column: Column) -> Reason:
    return "its dtype is bfloat16" if column.dtype == "bfloat16" else None


def _explain_tensors(column: Column) -> Reason:
    if column.dtype == TEXT:
        return "it holds text"
    if column.is_ragged:
        return "its rows differ in length"
    if column.name == "__metadata__":
        return "safetensors keeps this name for itself"
    return "it has missing values" if column.missing else None


def _explain_arrays(column: Column) -> Reason:
    if column.dtype == "bfloat16":
        return "its dtype is bfloat16"
    return _explain_tensors(column) if column.name != "__metadata__" else None


_HERE = "models_store.datasets.output"
OUTPUTS: dict[OutputName, Output] = {
    "csv": Output("text/csv", "csv", (f"{_HERE}.tables", "write_csv"), _explain_csv),
    "ndjson": Output("application/x-ndjson", "ndjson", (f"{_HERE}.lines", "write"), _explain_lines),
    "parquet": Output(
        "application/vnd.apache.parquet",
        "parquet",
        (f"{_HERE}.tables", "write_parquet"),
        _explain_table,
    ),
    "arrow": Output(
        "application/vnd.apache.arrow.stream",
        "arrows",
        (f"{_HERE}.tables", "write_arrow"),
        _explain_table,
    ),
    "npz": Output("application/x-npz", "npz", (f"{_HERE}.arrays", "write_npz"), _explain_arrays),
    "safetensors": Output(
        "application/vnd.safetensors",
        "safetensors",
        (f"{_HERE}.arrays", "write_safetensors"),
        _explain_tensors,
    ),
}
assert set(OUTPUTS) == set(get_args(OutputName))


def write_dataset(store: ArtifactStore, dataset: Dataset, name: OutputName) -> Iterator[bytes]:
    """Yields the bytes of a dataset in a format, in flat memory.

    Raises:
        Invalid: The format cannot express a column; one fault for each of them.
    """
    output = OUTPUTS[name]
    raise_if_any(_list_faults(dataset, name))
    module, function = output.writer
    write: Callable[[RowBlocks], Iterator[bytes]] = getattr(import_module(module), function)
    return write(RowBlocks(store, dataset))


def _list_faults(dataset: Dataset, name: OutputName) -> Iterator[Fault]:
    for column in dataset.columns:
        if reason := OUTPUTS[name].explain(column):
            detail = f"{name} cannot express column '{column.name}': {reason}."
            yield Fault(pointer="", detail=detail)
    if name == "csv":
        yield from _check_cells(dataset)


def _check_cells(dataset: Dataset) -> Iterator[Fault]:
    """Checks the columns of a CSV, of which a column with several values a row has one for each."""
    shapes = {column.name: column.shape for column in dataset.columns if not column.is_ragged}
    sizes = {name: math.prod(axis or 0 for axis in shape) for name, shape in shapes.items()}
    if sum(sizes.values()) > MAX_COLUMNS:
        widest = max(sizes, key=sizes.__getitem__)
        detail = f"csv has at most {MAX_COLUMNS} columns; '{widest}' would be {sizes[widest]}."
        yield Fault(pointer="", detail=detail)
        return
    cells = Counter(
        cell
        for name, shape in shapes.items()
        for cell in ([f"{name}_{place}" for place in range(sizes[name])] if shape else [name])
    )
    for cell, count in cells.items():
        if count > 1:
            detail = f"csv would have two columns '{cell}', since a column has one for each value."
            yield Fault(pointer="", detail=detail)
