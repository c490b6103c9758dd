"""Archives: arrays of numbers are read back unchanged, and all others are refused."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from domain.errors import Invalid, TooLarge
from models_store.datasets.columns.npy import DTYPES
from models_store.datasets.columns.read import load_array
from models_store.datasets.formats.arrays import npz
from models_store.datasets.formats.body import Body

LIMIT = 1 << 30
SHAPES = npst.array_shapes(min_dims=1, max_dims=4, max_side=5)


def saved(compressed: bool = False, **columns: Any) -> bytes:
    archive = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(archive, allow_pickle=True, **columns)
    return archive.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def read(raw: bytes, folder: Path, limit: int = LIMIT) -> Body:
    return npz.read(io.BytesIO(raw), folder, limit)


def faults(raw: bytes, folder: Path) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        read(raw, folder)
    return {fault.pointer: fault.detail for fault in caught.value.faults}


@st.composite
def any_arrays(draw: st.DrawFn) -> Any:
    dtype = np.dtype(draw(st.sampled_from(DTYPES))).newbyteorder(draw(st.sampled_from("<>")))
    values = draw(npst.arrays(dtype, SHAPES))
    order = draw(st.permutations(range(values.ndim)))
    return np.asfortranarray(values) if draw(st.booleans()) else values.transpose(order)


@settings(max_examples=200)
@given(values=any_arrays(), compressed=st.booleans())
def test_any_array_is_read_back_in_native_byte_order(
    tmp_path: Path, values: Any, compressed: bool
) -> None:
    body = read(saved(compressed, **{"any é/name": values}), tmp_path)
    stored = load_array(body.columns[0].files["values"])
    assert stored.dtype == values.dtype.newbyteorder("=")
    assert stored.dtype.isnative
    assert stored.flags.c_contiguous
    assert stored.tobytes() == np.ascontiguousarray(values, stored.dtype).tobytes()
    column = body.columns[0].column
    finite = values[np.isfinite(values)]
    assert column.name == "any é/name"
    assert column.shape == list(values.shape[1:])
    assert column.not_finite == values.size - finite.size
    assert column.min == (finite.min().item() if finite.size else None)
    assert column.max == (finite.max().item() if finite.size else None)
    assert (body.rows, body.nbytes) == (len(values), values.nbytes)


def test_arrays_may_be_larger_than_a_block(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    c_order = rng.random((1500, 301))
    fortran_order = np.asfortranarray(rng.integers(0, 99, (1500, 7, 43)).astype(">i4"))
    assert fortran_order.flags.f_contiguous
    body = read(saved(c_order=c_order, fortran_order=fortran_order), tmp_path)
    assert np.array_equal(load_array(body.columns[0].files["values"]), c_order)
    assert np.array_equal(load_array(body.columns[1].files["values"]), fortran_order)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.npy", "1.npy"]


def test_a_boolean_may_be_any_byte(tmp_path: Path) -> None:
    raw = npy(np.array([True, False, True])).replace(b"\x01\x00\x01", b"\x07\x00\xff")
    body = read(zipped({"x.npy": raw}), tmp_path)
    assert load_array(body.columns[0].files["values"]).view(np.uint8).tolist() == [1, 0, 1]


RECORDS = np.zeros(2, [("a", "i4"), ("é", "f4")])


@pytest.mark.parametrize(
    ("array", "detail"),
    [
        (
            np.array([{"a": 1}, None]),
            "holds Python objects (dtype object); a column's dtype is",
        ),
        (np.array(["a"]), "holds text"),
        (np.array([b"a"]), "holds bytes"),
        (np.array([1j]), "holds complex numbers (dtype complex128); a column's dtype is one of"),
        (np.zeros(2, np.clongdouble), "holds complex numbers (dtype complex256, clongdouble)"),
        (np.array(["2020-01-01"], "M8[D]"), "holds dates"),
        (np.array([1], "m8[s]"), "holds time spans"),
        (np.zeros(2, [("a", "i4")]), "holds records"),
        (RECORDS, "holds records"),
        (
            np.zeros(2, np.longdouble),
            "holds values (dtype float128, longdouble); a column's dtype is one of float16",
        ),
        (np.array(3.0), "is a single value; a column needs rows"),
        (np.zeros((0, 3)), "holds no values"),
        (np.zeros((3, 0)), "holds no values"),
        (np.zeros((1,) * 33), "has 33 axes"),
    ],
)
def test_arrays_without_numbers_or_rows_are_refused(
    tmp_path: Path, array: Any, detail: str
) -> None:
    found = faults(saved(x=array, y=np.array([1.0])), tmp_path)
    assert found["/columns/x"].startswith("Column 'x' ")
    assert detail in found["/columns/x"]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_header_is_read(tmp_path: Path, version: tuple[int, int]) -> None:
    values = np.arange(6, dtype="f4").reshape(3, 2)
    file = io.BytesIO()
    np.lib.format.write_array(file, values, version=version)
    body = read(zipped({"x.npy": file.getvalue()}), tmp_path)
    assert np.array_equal(load_array(body.columns[0].files["values"]), values)


def test_an_unknown_version_of_the_header_is_refused(tmp_path: Path) -> None:
    raw = bytearray(npy(np.zeros(3)))
    raw[6] = 4
    found = faults(zipped({"x.npy": bytes(raw)}), tmp_path)
    assert "does not begin with the header of a .npy file" in found["/columns/x"]


def test_what_other_programs_add_to_an_archive_is_skipped(tmp_path: Path) -> None:
    values = np.arange(3)
    raw = zipped(
        {
            "data/": b"",
            "data/x.npy": npy(values),
            "__MACOSX/": b"",
            "__MACOSX/data/._x.npy": b"Mac OS X",
            "data/.DS_Store": b"Bud1",
        }
    )
    body = read(raw, tmp_path)
    assert [written.column.name for written in body.columns] == ["data/x"]
    assert np.array_equal(load_array(body.columns[0].files["values"]), values)
    assert "no arrays" in faults(zipped({"data/": b""}), tmp_path)[""]


def test_all_faults_are_listed(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"b": np.zeros(2), "c": np.array(["t"]), "d/e": np.array(1)}
    raw = saved(a=np.zeros(3), **columns)
    assert faults(raw, tmp_path).keys() == {"/columns/b", "/columns/c", "/columns/d~1e"}


def test_a_body_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    for raw in (b"", b"not a zip", npy(np.zeros(3)), saved(x=np.zeros(99))[:-30]):
        assert "not a complete .npz" in faults(raw, tmp_path)[""]


def test_an_empty_archive_is_refused(tmp_path: Path) -> None:
    assert "at least one column" in faults(zipped({}), tmp_path)[""]


def test_members_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    whole = npy(np.zeros(3))
    members = {
        "x.npy": whole,
        "readme.txt": b"hello",
        "short.npy": whole[:-1],
        "long.npy": whole + b"1",
        "none.npy": b"x",
        "forged.npy": b"\x93NUMPY\x01\x00\x04\x00((((",
    }
    found = faults(zipped(members), tmp_path)
    assert "no array" in found["/columns/readme.txt"]
    assert "has 23 bytes of values where its shape needs 24" in found["/columns/short"]
    assert "has 25 bytes" in found["/columns/long"]
    assert "header" in found["/columns/none"]
    assert "header" in found["/columns/forged"]
    assert "/columns/x" not in found


def test_damaged_values_are_refused(tmp_path: Path) -> None:
    raw = saved(x=np.full(100, 7.0)).replace(struct.pack("<d", 7.0), struct.pack("<d", 8.0), 1)
    assert "damaged" in faults(raw, tmp_path)["/columns/x"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_repeated_column_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", npy(np.zeros(3)))
        archive.writestr("x.npy", npy(np.ones(3)))
    assert "twice" in faults(file.getvalue(), tmp_path)["/columns/x"]


def test_other_compression_methods_are_refused(tmp_path: Path) -> None:
    raw = zipped({"x.npy": npy(np.zeros(3))}, zipfile.ZIP_LZMA)
    assert "deflate" in faults(raw, tmp_path)["/columns/x"]


def test_a_large_declared_size_is_refused(tmp_path: Path) -> None:
    raw = saved(compressed=True, x=np.zeros(1_000_000), y=np.zeros(1_000_000))
    assert len(raw) < 50_000
    with pytest.raises(TooLarge, match="10000000 bytes"):
        read(raw, tmp_path, limit=10_000_000)
    assert read(raw, tmp_path, limit=17_000_000).rows == 1_000_000


def test_a_forged_size_bounds_the_decompression(tmp_path: Path) -> None:
    """The directory declares 1,000 bytes, the header more; at most 1,000 are decompressed."""
    raw = saved(compressed=True, x=np.zeros(1_000_000))
    true_size = 1_000_000 * 8 + 128
    assert raw.count(struct.pack("<L", true_size)) >= 1
    forged = raw.replace(struct.pack("<L", true_size), struct.pack("<L", 1_000))
    assert "/columns/x" in faults(forged, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 100_000


def test_a_huge_directory_is_refused(tmp_path: Path) -> None:
    entry = zipped({"x.npy": b""})
    start = entry.index(b"PK\x01\x02")
    directory = entry[start : entry.index(b"PK\x05\x06")] * 60_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 60_000, 60_000, len(directory), start, 0)
    assert "not a complete" in faults(entry[:start] + directory + end, tmp_path)[""]


@pytest.mark.slow
@settings(max_examples=400)
@given(st.data())
def test_damaged_archives_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    values = np.arange(6.0).reshape(3, 2)
    raw = bytearray(saved(data.draw(st.booleans()), x=values, flag=np.array([True, False, True])))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)) | st.just(len(raw)))
    try:
        body = read(bytes(raw[:cut]), tmp_path)
    except (Invalid, TooLarge):
        return
    assert body.rows == 3


@settings(max_examples=300)
@given(
    st.sampled_from(["'<f8'", "('<f8',)", "()", "[]", "[('a',)]", "{}", "None", "1e999", "'O'"])
    | st.text("'<>()[]{},-+*0123456789fOVUé:", max_size=30),
    st.sampled_from(["(3,)", "(-1,)", "(True,)", "3", "(99999999999999999999,)", "(1,2,)"]),
)
def test_forged_headers_are_read_or_refused(tmp_path: Path, descr: str, shape: str) -> None:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    raw = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(24)
    places: list[str] = []
    try:
        read(zipped({"x.npy": raw}), tmp_path)
    except Invalid as invalid:
        places = [fault.pointer for fault in invalid.faults]
    assert places in ([], ["/columns/x"])
