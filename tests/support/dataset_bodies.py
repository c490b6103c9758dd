"""Bodies of datasets in every format, written by the format's own library, and their columns."""

import csv
import importlib.util
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet
from safetensors.numpy import save

from domain.dataset import Column
from domain.formats.read_options import ReadOptions
from models_store.datasets.columns.read import open_column
from models_store.datasets.formats.registry import FORMATS

JSON, NPZ = "application/json", "application/x-npz"
LINES, SAFETENSORS = "application/x-ndjson", "application/vnd.safetensors"
CSV, TSV = "text/csv", "text/tab-separated-values"
PARQUET = "application/vnd.apache.parquet"
STREAM, FILE = "application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file"
NPY, IMAGES = "application/x-npy", "application/zip"
LIMIT = 1 << 30


class ReadColumn(NamedTuple):
    """A column that a reader wrote."""

    column: Column
    rows: list[Any]
    """Nested lists; None where a value is missing."""


def read_body(
    raw: bytes, media_type: str, limit: int = LIMIT, **options: Any
) -> dict[str, ReadColumn]:
    """Reads a body by the reader of its format; returns the columns by name."""
    with tempfile.TemporaryDirectory() as folder:
        known = FORMATS[media_type]
        body = known.read(io.BytesIO(raw), Path(folder), limit, ReadOptions(**options))
        found = {}
        for file in body.columns:
            stored = open_column(file.column.dtype, file.column.shape, file.files)
            rows = stored.read(0, file.rows).to_list()
            found[file.column.name] = ReadColumn(file.column, rows)
        return found


def encode_json(**columns: Any) -> bytes:
    return json.dumps({"columns": {n: np.asarray(c).tolist() for n, c in columns.items()}}).encode()


def encode_npz(**columns: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **columns)
    return file.getvalue()


def encode_npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def encode_image(pixels: Any) -> bytes:
    """Writes pixels of shape (height, width, channels) as a PNG."""
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(file, "PNG")
    return file.getvalue()


def encode_archive(files: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def encode_lines(**columns: Any) -> bytes:
    """Writes an object for each row; a column that is too short gives a line that is no object."""
    lists = {name: np.asarray(values).tolist() for name, values in columns.items()}
    shortest = min(map(len, lists.values()))
    rows = [{name: values[row] for name, values in lists.items()} for row in range(shortest)]
    lines = [json.dumps(row) for row in rows]
    if shortest < max(map(len, lists.values())):
        lines.append("1")
    return "\n".join(lines).encode()


def encode_safetensors(**columns: Any) -> bytes:
    return bytes(save({name: np.asarray(values) for name, values in columns.items()}))


def find_vega_file(name: str) -> Path:
    """Returns a file of vega-datasets, which cannot be imported without pandas."""
    spec = importlib.util.find_spec("vega_datasets")
    assert spec is not None, "vega-datasets is installed"
    assert spec.origin is not None, "vega-datasets is a package"
    return Path(spec.origin).parent / "_data" / name


def write_table(columns: dict[str, list[Any]], media_type: str) -> bytes:
    """Writes columns, in which None is a missing value, as CSV or Parquet."""
    if media_type == PARQUET:
        return write_parquet(pa.table(columns))
    return write_csv(list(columns), zip(*columns.values(), strict=True))


def write_csv(
    names: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",", **options: Any
) -> bytes:
    """Writes rows by Python's csv module."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, **options)
    writer.writerow(names)
    writer.writerows(rows)
    return file.getvalue().encode()


def encode_csv(delimiter: str = ",", **columns: Any) -> bytes:
    """Writes columns; the values of a row of several become columns `x_0`, `x_1` and so on."""
    flat: dict[str, list[object]] = {}
    for name, values in columns.items():
        array = np.asarray(values)
        if array.ndim == 1:
            flat[name] = array.tolist()
        else:
            parts = array.reshape(len(array), -1).T
            flat |= {f"{name}_{i}": part.tolist() for i, part in enumerate(parts)}
    length = max(map(len, flat.values()))
    rows = [[c[row] for c in flat.values() if row < len(c)] for row in range(length)]
    return write_csv(list(flat), rows, delimiter)


def encode_tsv(**columns: Any) -> bytes:
    return encode_csv("\t", **columns)


def make_table(**columns: Any) -> pa.Table:
    """Makes a table; the values of a row of several become a tensor."""
    arrays = {}
    for name, values in columns.items():
        is_tensor = isinstance(values, np.ndarray) and values.ndim > 1
        arrays[name] = (
            pa.FixedShapeTensorArray.from_numpy_ndarray(values) if is_tensor else pa.array(values)
        )
    return pa.table(arrays)


def write_parquet(table: pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    parquet.write_table(table, file, **options)
    return file.getvalue()


def write_stream(table: pa.Table, batch_rows: int | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, batch_rows)
    return file.getvalue()


def write_file(table: pa.Table, batch_rows: int | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, batch_rows)
    return file.getvalue()


def _encode(write: Callable[[pa.Table], bytes]) -> Callable[..., bytes]:
    def encode(**columns: Any) -> bytes:
        lengths = {len(values) for values in columns.values()}
        if len(lengths) > 1:  # no table has columns of differing lengths
            return write(make_table(x=columns["x"]))[:-1]
        return write(make_table(**columns))

    return encode


BODIES: dict[str, Callable[..., bytes]] = {
    JSON: encode_json,
    LINES: encode_lines,
    NPZ: encode_npz,
    SAFETENSORS: encode_safetensors,
    CSV: encode_csv,
    TSV: encode_tsv,
    PARQUET: _encode(write_parquet),
    STREAM: _encode(write_stream),
    FILE: _encode(write_file),
}
"""Writes columns in each format that takes any; columns of differing lengths are refused."""
WRITERS = {PARQUET: write_parquet, STREAM: write_stream, FILE: write_file}
"""Writes a table of Arrow in each binary format of tables."""


def describe_shape(media_type: str, name: str, shape: Sequence[int]) -> dict[str, Any]:
    """Returns the options by which a format gives rows of several values."""
    if media_type not in (CSV, TSV):
        return {}
    return {"vector": {name: f"{name}_*"}, "shape": {name: list(shape)}}


class Sample(NamedTuple):
    """A body in any of the formats, and its columns."""

    raw: bytes
    options: dict[str, Any]
    """How the body is read."""
    columns: dict[str, Any]
    """The values of each column, as an array or a list of texts."""


def make_sample(media_type: str, rows: int) -> Sample:
    """Makes a valid body of at least 12 values a row, in any of the registered formats."""
    random = np.random.default_rng(1)
    x, y = random.random((rows, 4, 3)), np.arange(rows) % 7
    if media_type == NPY:
        return Sample(encode_npy(x), {"column": "x"}, {"x": x})
    if media_type == IMAGES:
        return _sample_images(random.integers(0, 256, (rows, 32, 32, 3), np.uint8))
    options = describe_shape(media_type, "x", (4, 3))
    return Sample(BODIES[media_type](x=x, y=y), options, {"x": x, "y": y})


def _sample_images(pixels: Any) -> Sample:
    labels = [f"class {row % 7}" for row in range(len(pixels))]
    names = [f"{label}/{row}.png" for row, label in enumerate(labels)]
    images = map(encode_image, pixels)
    raw = encode_archive(dict(zip(names, images, strict=True)))
    return Sample(raw, {}, {"image": pixels, "label": labels, "file": names})


def make_faulty(media_type: str) -> bytes:
    """Makes a body that breaks a rule of its format after its first values."""
    if media_type == NPY:
        return encode_npy(np.zeros(3))[:-1]
    if media_type == IMAGES:
        image = encode_image(np.random.default_rng(1).integers(0, 256, (9, 9, 3)))
        return encode_archive({"a/0.png": image, "a/1.png": image[: len(image) // 2]})
    return BODIES[media_type](x=np.zeros(3), y=np.zeros(2))
