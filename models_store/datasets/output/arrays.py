"""Writes a dataset as `.npz` or as safetensors."""

import json
import math
import zipfile
from collections.abc import Iterator
from typing import IO, cast

import numpy as np
from numpy.lib import format as npy_format

from domain.dataset import Column, Dataset
from domain.dtype import bytes_of
from models_store.datasets.columns.npy import Array
from models_store.datasets.output.blocks import RowBlocks
from models_store.datasets.output.sink import Sink

DTYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "bool": "BOOL",
    "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
    "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8",
}  # fmt: skip
"""The names of dtypes in safetensors."""
_ALIGNMENT = 8


def write_npz(rows: RowBlocks) -> Iterator[bytes]:
    """Yields an archive with an array for each column."""
    sink = Sink()
    with zipfile.ZipFile(cast(IO[bytes], sink), "w") as archive:
        for index, column in enumerate(rows.dataset.columns):
            member = zipfile.ZipInfo(f"{column.name}.npy")
            with archive.open(member, "w", force_zip64=True) as file:
                _write_header(file, column, rows.dataset.rows)
                for block in rows.read_column(index):
                    file.write(_dump(block.values))
                    yield sink.take()
    yield sink.take()


def _write_header(file: IO[bytes], column: Column, count: int) -> None:
    shape = (count, *(axis or 0 for axis in column.shape))
    described = {
        "descr": np.dtype(column.dtype).newbyteorder("<").str,
        "fortran_order": False,
        "shape": shape,
    }
    npy_format.write_array_header_1_0(file, described)


def write_safetensors(rows: RowBlocks) -> Iterator[bytes]:
    """Yields a file with a tensor for each column.

    The header has the columns in their order. The values of larger dtypes come first, so that all
    of them are aligned.
    """
    dataset = rows.dataset
    order = sorted(range(len(dataset.columns)), key=lambda index: -_get_bytes(dataset, index))
    offsets: dict[int, list[int]] = {}
    end = 0
    for index in order:
        size = _count(dataset, index) * _get_bytes(dataset, index)
        offsets[index], end = [end, end + size], end + size
    yield _make_header(dataset, offsets)
    for index in order:
        for block in rows.read_column(index):
            yield _dump(block.values)


def _make_header(dataset: Dataset, offsets: dict[int, list[int]]) -> bytes:
    described = {
        column.name: {
            "dtype": DTYPES[column.dtype],
            "shape": [dataset.rows, *column.shape],
            "data_offsets": offsets[index],
        }
        for index, column in enumerate(dataset.columns)
    }
    text = json.dumps(described, separators=(",", ":")).encode()
    text = text.ljust(-(-len(text) // _ALIGNMENT) * _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def _get_bytes(dataset: Dataset, index: int) -> int:
    return bytes_of(dataset.columns[index].dtype)


def _count(dataset: Dataset, index: int) -> int:
    return dataset.rows * math.prod(axis or 0 for axis in dataset.columns[index].shape)


def _dump(values: Array) -> bytes:
    """Returns the bytes of values in C order, the lowest byte first."""
    if values.dtype.byteorder == ">":
        values = values.astype(values.dtype.newbyteorder("<"))
    return values.tobytes()
