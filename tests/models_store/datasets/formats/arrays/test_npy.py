"""`.npy` files are read back as NumPy wrote them, or refused."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from domain.errors import Invalid
from domain.formats.read_options import ReadOptions
from models_store.datasets.columns.npy import DTYPES
from models_store.datasets.columns.read import load_array
from models_store.datasets.formats.arrays import npy
from models_store.datasets.formats.body import Body
from models_store.files.disk import hash_file


class Pieces(io.BytesIO):
    """A body that arrives in small pieces."""

    def read(self, most: int | None = -1) -> bytes:
        return super().read(min(most or 7, 7))


def dump(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def read(raw: bytes, folder: Path, **options: Any) -> Body:
    return npy.read(Pieces(raw), folder, 1 << 30, ReadOptions(**options))


@settings(max_examples=80, deadline=None)
@given(
    npst.arrays(st.sampled_from(DTYPES), npst.array_shapes(max_dims=3, max_side=4)),
    st.booleans(),
)
def test_any_array_is_read_back(array: Any, fortran: bool) -> None:
    stored = np.asfortranarray(array) if fortran else array
    with TemporaryDirectory() as folder:
        (file,) = read(dump(stored), Path(folder), column="pixels").columns
        found = load_array(file.files["values"])
        assert found.dtype == array.dtype
        assert found.tobytes() == array.tobytes()
        assert (file.column.name, file.column.shape) == ("pixels", list(array.shape[1:]))


def test_a_large_array_is_hashed_while_it_is_written(tmp_path: Path) -> None:
    array = np.random.default_rng(1).random(3 * 2**17 + 5)
    (file,) = npy.read(io.BytesIO(dump(array)), tmp_path, 1 << 30).columns
    assert np.array_equal(load_array(file.files["values"]), array)
    assert file.arrays["values"].sha256 == hash_file(file.files["values"].path)


def test_the_column_is_called_x_by_default(tmp_path: Path) -> None:
    (file,) = read(dump(np.arange(3)), tmp_path).columns
    assert file.column.name == "x"


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (b"", "does not begin with the header"),
        (b"PK\x03\x04 no array", "does not begin with the header"),
        (dump(np.arange(9))[:-3], "ends before its last value"),
        (dump(np.arange(9)) + b"1", "has more bytes than its shape needs"),
        (dump(np.asfortranarray(np.ones((3, 3))))[:-3], "ends before its last value"),
        (dump(np.array(["a"])), "holds text"),
        (dump(np.array([{}], object)), "holds Python objects"),
        (dump(np.array(3)), "is a single value"),
        (dump(np.empty((0, 3))), "holds no values"),
    ],
)
def test_other_bodies_are_refused(tmp_path: Path, raw: bytes, detail: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(raw, tmp_path)
    assert detail in caught.value.faults[0].detail
