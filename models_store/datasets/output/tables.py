"""Writes a dataset as CSV, Parquet or Arrow, by pyarrow."""

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from domain.dataset import Column, Dataset
from domain.dtype import TEXT
from models_store.datasets.columns.npy import Array
from models_store.datasets.columns.read import Block
from models_store.datasets.output.blocks import ColumnBlock, RowBlocks
from models_store.datasets.output.sink import Sink

MOST_OFFSET = 2**31
_WIDER = {"float16": np.float32, "bfloat16": np.float32}
"""Dtypes that CSV has as wider ones, which hold the same values."""


def write_parquet(rows: RowBlocks) -> Iterator[bytes]:
    """Yields a Parquet file with a row group for each block of rows."""
    sink = Sink()
    schema = _make_schema(rows)
    with pq.ParquetWriter(pa.PythonFile(sink, "w"), schema) as writer:
        for blocks in rows:
            writer.write_batch(_make_batch(blocks, schema))
            yield sink.take()
    yield sink.take()


def write_arrow(rows: RowBlocks) -> Iterator[bytes]:
    """Yields a stream of Arrow with a record batch for each block of rows."""
    sink = Sink()
    schema = _make_schema(rows)
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), schema) as writer:
        for blocks in rows:
            writer.write_batch(_make_batch(blocks, schema))
            yield sink.take()
    yield sink.take()


def write_csv(rows: RowBlocks) -> Iterator[bytes]:
    """Yields a CSV with a header; a column of several values a row has a column for each.

    Missing values of a table of one column are quoted, since readers skip empty lines.
    """
    sink = Sink()
    writer: pa_csv.CSVWriter | None = None
    quotes_missing = _has_one_cell(rows.dataset) and rows.dataset.columns[0].missing > 0
    for blocks in rows:
        arrays: dict[str, pa.Array] = {}
        for each in blocks:
            arrays.update(_flatten(each))
        if quotes_missing:
            arrays = {name: _write_as_texts(array) for name, array in arrays.items()}
        batch = pa.RecordBatch.from_pydict(arrays)
        if writer is None:
            writer = pa_csv.CSVWriter(pa.PythonFile(sink, "w"), batch.schema)
        writer.write_batch(batch)
        yield sink.take()
    if writer is not None:
        writer.close()
    yield sink.take()


def _make_schema(rows: RowBlocks) -> pa.Schema:
    columns = rows.dataset.columns
    return pa.schema([pa.field(column.name, _find_type(column)) for column in columns])


def _find_type(column: Column) -> pa.DataType:
    kind = pa.string() if column.dtype == TEXT else pa.from_numpy_dtype(np.dtype(column.dtype))
    for axis in reversed(column.shape):
        kind = pa.list_(kind) if axis is None else pa.list_(kind, axis)
    return kind


def _make_batch(blocks: list[ColumnBlock], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [_nest(each.column, each.block) for each in blocks]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _nest(column: Column, block: Block) -> pa.Array:
    """Returns the rows of a block as nested lists."""
    array = _make_flat(block.values, block.missing)
    for axis in reversed([axis for axis in column.shape if axis is not None]):
        array = pa.FixedSizeListArray.from_arrays(array, axis)
    if block.lengths is not None:
        ends = np.cumsum(block.lengths)
        offsets = np.concatenate([np.zeros(1, np.int64), ends]).astype(np.int32)
        array = pa.ListArray.from_arrays(pa.array(offsets), array)
    return array


def _make_flat(values: Array, missing: Array | None) -> pa.Array:
    flat = values.reshape(-1)
    mask = None if missing is None else missing.reshape(-1)
    if flat.dtype == object:
        texts = pa.array(flat.tolist(), pa.binary(), mask=mask)
        return texts.cast(pa.string())
    return pa.array(flat, mask=mask, from_pandas=False)


def _has_one_cell(dataset: Dataset) -> bool:
    """Whether a row of the CSV of a dataset has one cell."""
    return sum(len(name_cells(column)) for column in dataset.columns) == 1


def _write_as_texts(array: pa.Array) -> pa.Array:
    """Writes values as texts, which are quoted in a CSV; a missing one is empty."""
    return pc.fill_null(array.cast(pa.string()), "")


def _flatten(each: ColumnBlock) -> dict[str, pa.Array]:
    column, block = each
    values = block.values.astype(_WIDER.get(column.dtype, block.values.dtype), copy=False)
    size = math.prod(axis or 0 for axis in column.shape)
    columns = values.reshape(len(values), size)
    masks = None if block.missing is None else block.missing.reshape(len(values), size)
    return {
        name: _make_flat(
            np.ascontiguousarray(columns[:, place]), None if masks is None else masks[:, place]
        )
        for place, name in enumerate(name_cells(column))
    }


def name_cells(column: Column) -> list[str]:
    """Returns the names of the columns of a CSV that a column becomes."""
    if not column.shape:
        return [column.name]
    return [f"{column.name}_{place}" for place in range(math.prod(a or 0 for a in column.shape))]
