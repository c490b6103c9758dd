"""The format of safetensors: each tensor is a column."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from domain.json.pointer import pointer
from models_store.datasets.columns.classes import ColumnFiles
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.columns.npy import BLOCK_BYTES, MAX_AXES
from models_store.datasets.columns.numbers import find_dtype
from models_store.datasets.columns.writer import NumberWriter
from models_store.datasets.formats.arrays.npy import to_native
from models_store.datasets.formats.body import Body, Source, check_column_name, check_rows
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.spool import spool

LENGTH_BYTES = 8
MOST_HEADER_BYTES = 4 << 20
DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "BOOL": "bool",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8",
}  # fmt: skip
METADATA = "__metadata__"


def read(source: Source, folder: Path, limit: int, options: ReadOptions = DEFAULT_OPTIONS) -> Body:
    """Reads tensors into columns, one block at a time.

    Args:
        source: The body.
        folder: An empty folder for the files.
        limit: Unused: the body has the bytes of the tensors.
        options: Unused: the tensors have dtypes and shapes.

    Raises:
        Invalid: The body breaks a rule; lists every fault found.
    """
    faults = Faults()
    path = folder / "body.safetensors"
    spool(source, path)
    start, header = _read_header(path, faults)
    columns = ColumnFiles()
    for name, tensor in header.items():
        if check_column_name(name, len(columns), faults) and _check_tensor(name, tensor, faults):
            target = folder / f"{len(columns)}.npy"
            columns.add(_copy(path, start, name, tensor, target))
    path.unlink()
    if not columns.files and not faults:
        faults.stop("", "The body has no tensors; a dataset has at least one column.")
    check_rows({file.column.name: file.rows for file in columns.files}, faults)
    faults.check()
    return Body(None, columns.files)


def _read_header(path: Path, faults: Faults) -> tuple[int, dict[str, Any]]:
    """Returns where the values begin, and the tensors by name in the order of the header.

    The library checks the file: that it is complete, and that tensors neither overlap nor leave
    holes. The header is parsed again, since the library takes the last of two tensors of one name.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if size > MOST_HEADER_BYTES:
            faults.stop("", f"The header is longer than {MOST_HEADER_BYTES} bytes.")
        header = file.read(size)
    try:
        with safe_open(path, framework="numpy"):
            pass
        tensors = json.loads(header, object_pairs_hook=_make_object)
    except (SafetensorError, ValueError, RecursionError) as error:
        known = error.args[0] if isinstance(error, _Twice) else ""
        faults.stop("", f"The body is not a complete safetensors file.{known}")
    tensors.pop(METADATA, None)
    return LENGTH_BYTES + size, tensors


class _Twice(ValueError):
    """A name appears twice in the header."""


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice(" A name appears twice in its header.")
    return found


def _check_tensor(name: str, tensor: dict[str, Any], faults: Faults) -> bool:
    """Whether a tensor may be a column; adds a fault if not."""
    shape, dtype = tensor["shape"], tensor["dtype"]
    if dtype not in DTYPES:
        detail = f"holds values of {dtype}; a column has one of {', '.join(DTYPES)}"
    elif not shape:
        detail = "is a single value; a column needs rows"
    elif min(shape) < 1:
        detail = f"has shape {shape}, which holds no values"
    elif len(shape) > MAX_AXES:
        detail = f"has {len(shape)} axes; at most {MAX_AXES} can be stored"
    else:
        return True
    faults.add(pointer("columns", name), f"Column '{name}' {detail}.")
    return False


def _copy(path: Path, start: int, name: str, tensor: dict[str, Any], target: Path) -> ColumnFile:
    """Copies the values of a tensor into a column."""
    shape, dtype = tuple(tensor["shape"]), find_dtype(DTYPES[tensor["dtype"]])
    writer = NumberWriter(target, dtype, counts_values=len(shape) == 1, shape=shape)
    offset, count = start + tensor["data_offsets"][0], math.prod(shape)
    with path.open("rb") as file:
        file.seek(offset)
        step = BLOCK_BYTES // dtype.itemsize
        for first in range(0, count, step):
            block = file.read(min(step, count - first) * dtype.itemsize)
            writer.append(to_native(np.frombuffer(block, dtype)))
    return writer.finish(name, shape[1:])
