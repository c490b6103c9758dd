"""Files that safetensors wrote are read back, and damaged ones are refused."""

import io
import json
import struct
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from ml_dtypes import bfloat16
from safetensors.numpy import save

from domain.errors import Invalid
from models_store.datasets.columns.npy import DTYPES
from models_store.datasets.columns.read import load_array, open_column
from models_store.datasets.formats.arrays import safetensors
from models_store.datasets.formats.body import Body


def read(raw: bytes, folder: Path) -> Body:
    return safetensors.read(io.BytesIO(raw), folder, 1 << 30)


def refuse(raw: bytes, folder: Path) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        read(raw, folder)
    return {fault.pointer: fault.detail for fault in caught.value.faults}


def pack(header: Any, values: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_tensors_are_read_back(data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 4))
    names = data.draw(st.lists(st.text("ab é/", min_size=1), min_size=1, max_size=3, unique=True))
    arrays = {
        name: data.draw(
            npst.arrays(
                st.sampled_from(DTYPES),
                npst.array_shapes(min_dims=0, max_side=3).map(lambda shape: (rows, *shape)),
            )
        )
        for name in names
    }
    with TemporaryDirectory() as folder:
        body = read(save(arrays, {"note": "kept by others"}), Path(folder))
        found = {file.column.name: load_array(file.files["values"]) for file in body.columns}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


def test_bfloat16_stays_bfloat16(tmp_path: Path) -> None:
    values = np.array([[0.1, -2.5], [1e38, np.nan]]).astype(bfloat16)
    header = {"x": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}}
    (file,) = read(pack(header, values.tobytes()), tmp_path).columns
    assert (file.column.dtype, file.column.shape, file.column.not_finite) == ("bfloat16", [2], 1)
    assert open_column("bfloat16", [2], file.files).read(0, 2).values.tobytes() == values.tobytes()


@pytest.mark.parametrize("change", [slice(0, -1), slice(0, 20), slice(0, 5), slice(3, None)])
def test_a_damaged_file_is_refused(tmp_path: Path, change: slice) -> None:
    raw = save({"x": np.arange(9)})
    assert "" in refuse(raw[change], tmp_path)


@pytest.mark.parametrize(
    ("header", "values", "pointer", "detail"),
    [
        ({"x": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}, b"12", "/columns/x",
         "F8_E4M3"),
        ({"x": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]}}, b"1", "/columns/x",
         "single value"),
        ({"x": {"dtype": "U8", "shape": [0, 3], "data_offsets": [0, 0]}}, b"", "/columns/x",
         "no values"),
        ({"x": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},
          "y": {"dtype": "U8", "shape": [1], "data_offsets": [2, 3]}}, b"123", "/columns/y",
         "has 1 rows where 'x' has 2"),
        ({"x": {"dtype": "U8", "shape": [2], "data_offsets": [0, 1]}}, b"1", "", "complete"),
        ({"x": {"dtype": "U8", "shape": [1 << 60], "data_offsets": [0, 1]}}, b"1", "", "complete"),
        ({"x": {"dtype": "U8", "shape": [1], "data_offsets": [5, 6]}}, b"123456", "", "complete"),
        ({"": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}, b"1", "/columns/",
         "1 to 256"),
        ({}, b"", "", "at least one column"),
        ({"__metadata__": {"a": "b"}}, b"", "", "at least one column"),
        (b'{"x": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}, '
         b'"x": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}', b"1", "", "twice"),
        (b"[" * 100_000, b"", "", "complete"),
        (b"", b"", "", "complete"),
    ],
)  # fmt: skip
def test_other_tensors_are_refused(
    tmp_path: Path, header: Any, values: bytes, pointer: str, detail: str
) -> None:
    assert detail in refuse(pack(header, values), tmp_path)[pointer]


def test_a_long_header_is_refused(tmp_path: Path) -> None:
    assert "longer than" in refuse(struct.pack("<Q", 1 << 40) + b"{}", tmp_path)[""]


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None)
@given(st.data())
def test_damaged_bytes_are_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(save({"x": np.arange(4), "y": np.ones((4, 2), np.float32)}))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        try:
            body = read(bytes(raw), Path(folder))
        except Invalid:
            return
        assert body.rows >= 1
