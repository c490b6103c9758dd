"""JSON columns: arrays are read back unchanged, and faults have their pointer."""

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from domain.errors import Invalid, NotJson
from models_store.datasets.formats import json_columns
from models_store.datasets.formats.body import Body
from models_store.datasets.formats.npy import DTYPES, HEADER_BYTES

SHAPES = npst.array_shapes(min_dims=1, max_dims=4, max_side=5)
ANY_DTYPE = st.sampled_from(DTYPES)


def read(body: Any, folder: Path) -> Body:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return json_columns.read(io.BytesIO(raw), folder, limit=1 << 30)


def faults(body: Any, folder: Path) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        read(body, folder)
    return {fault.pointer: fault.detail for fault in caught.value.faults}


def array(body: Body, index: int = 0) -> Any:
    return np.load(body.columns[index].path)


@st.composite
def finite_arrays(draw: st.DrawFn) -> Any:
    dtype = np.dtype(draw(ANY_DTYPE))
    elements: dict[str, Any] = (
        {"allow_nan": False, "allow_infinity": False} if dtype.kind == "f" else {}
    )
    return draw(npst.arrays(dtype, SHAPES, elements=npst.from_dtype(dtype, **elements)))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=finite_arrays(), first=st.booleans(), name=st.text("aé/~.\"'\\ 0", min_size=1))
def test_any_array_is_read_back_in_its_dtype(
    tmp_path: Path, values: Any, first: bool, name: str
) -> None:
    dtypes = {"dtypes": {name: values.dtype.name}}
    columns = {"columns": {name: values.tolist()}}
    if values.dtype == np.uint64 and not first:
        values = values >> np.uint64(1)
        columns = {"columns": {name: values.tolist()}}
    body = read({**dtypes, **columns} if first else {**columns, **dtypes}, tmp_path)
    stored = array(body)
    assert stored.dtype == values.dtype
    assert np.array_equal(stored, values)
    column = body.columns[0].column
    assert (column.name, column.shape) == (name, list(values.shape[1:]))
    assert (column.min, column.max) == (float(values.min()), float(values.max()))
    assert (body.rows, body.nbytes) == (len(values), values.nbytes)
    assert body.columns[0].path.stat().st_size == values.nbytes + HEADER_BYTES


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ("[1, 2, -9223372036854775808]", "int64"),
        ("[1, 2.0]", "float64"),
        ("[0.5, 100000000000000000000]", "float64"),
        ("[100000000000000000000, 0.5]", "float64"),
        ("[true, false]", "bool"),
        ("[[1, 2], [3, 4e0]]", "float64"),
    ],
)
def test_the_dtype_is_inferred_from_the_values(tmp_path: Path, values: str, dtype: str) -> None:
    body = read(f'{{"columns": {{"x": {values}}}}}'.encode(), tmp_path)
    assert array(body).dtype == dtype
    assert array(body).tolist() == json.loads(values)


def test_a_late_fraction_converts_all_rows(tmp_path: Path) -> None:
    values = [*range(20_000), 0.5]
    body = read({"columns": {"x": values}}, tmp_path)
    assert array(body).dtype == "float64"
    assert array(body).tolist() == values
    assert (body.columns[0].column.min, body.columns[0].column.max) == (0, 19_999)


def test_a_row_may_be_longer_than_a_chunk(tmp_path: Path) -> None:
    values = np.arange(60_000.0).reshape(2, 3, 10_000) / 3
    assert np.array_equal(array(read({"columns": {"x": values.tolist()}}, tmp_path)), values)


def test_uint64_needs_its_dtype_first(tmp_path: Path) -> None:
    values = [[0, 1], [2, 2**64 - 1]]
    body = read({"dtypes": {"x": "uint64"}, "columns": {"x": values}}, tmp_path)
    assert array(body).tolist() == values
    found = faults({"columns": {"x": values}, "dtypes": {"x": "uint64"}}, tmp_path)
    assert "before `columns`" in found["/columns/x/1/1"]


def test_a_body_has_a_name_and_several_columns(tmp_path: Path) -> None:
    body = read({"columns": {"x": [[1], [2]], "y": [True, False]}, "name": "both"}, tmp_path)
    assert body.name == "both"
    assert [written.column.name for written in body.columns] == ["x", "y"]
    assert array(body, 1).tolist() == [True, False]


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"columns": {"x": [[1, 2, 3, 4]] * 17 + [[1, 2, 3]]}}, "/columns/x/17",
         "Row 17 has 3 values where row 0 has 4."),
        ({"columns": {"x": [[[1], [2]], [[1], [2, 3]]]}}, "/columns/x/1/1",
         "This list has 2 values where the first list at its depth has 1."),
        ({"columns": {"x": [[1], [2], [3], ["a"]]}}, "/columns/x/3/0",
         "Expected a number, not text."),
        ({"columns": {"x": [1, {"a": [1]}, 2]}}, "/columns/x/1",
         "Expected a number, not an object."),
        ({"columns": {"x": [1, None]}}, "/columns/x/1", "null is no number"),
        ({"columns": {"x": [[1], 2]}}, "/columns/x/1", "Expected a list, not a number."),
        ({"columns": {"x": [1, [2]]}}, "/columns/x/1", "Expected a number, not a list."),
        ({"columns": {"x": [[[1]], [2]]}}, "/columns/x/1/0", "Expected a list, not a number."),
        ({"columns": {"x": [[1], []]}}, "/columns/x/1", "Row 1 has 0 values where row 0 has 1."),
        ({"columns": {"x": [[]]}}, "/columns/x/0", "This list is empty."),
        ({"columns": {"x": []}}, "/columns/x", "no rows"),
        ({"columns": {}}, "/columns", "at least one column"),
        ({}, "/columns", "at least one column"),
        ({"columns": [1]}, "/columns", "is an object"),
        ({"columns": {"x": 3}}, "/columns/x", "list of rows"),
        ({"columns": {"x": [0] * 100, "y": [0] * 99}}, "/columns/y",
         "Column 'y' has 99 rows where 'x' has 100."),
        ({"columns": {"a/b": ["x"]}}, "/columns/a~1b/0", "text"),
        ({"colums": {"x": [1]}}, "/colums", "Did you mean 'columns'?"),
        ({"columns": {"x": [1]}, "name": 3}, "/name", "text"),
        ({"columns": {"": [1]}}, "/columns/", "1 to 256"),
        ({"columns": {"x": [1]}, "dtypes": {"z": "int8"}}, "/dtypes/z", "no column 'z'"),
        ({"columns": {"x": [1]}, "dtypes": {"x": "int23"}}, "/dtypes/x", "Did you mean 'int32'?"),
        ({"columns": {"x": [1]}, "dtypes": {"x": ["int8"]}}, "/dtypes/x", "is one of"),
        ({"dtypes": {"x": "uint8"}, "columns": {"x": [[1], [300]]}}, "/columns/x/1/0",
         "300 does not fit uint8."),
        ({"columns": {"x": [1, 2, -1]}, "dtypes": {"x": "uint8"}}, "/columns/x/2",
         "-1 does not fit uint8."),
        ({"columns": {"x": [1.0, 0.5]}, "dtypes": {"x": "int32"}}, "/columns/x/1",
         "0.5 does not fit int32."),
        ({"columns": {"x": [1.0, 1e300]}, "dtypes": {"x": "float32"}}, "/columns/x/1", "float32"),
        ({"dtypes": {"x": "bool"}, "columns": {"x": [0, 2]}}, "/columns/x/1", "bool"),
        ({"columns": {"x": [0, 2**63]}}, "/columns/x/1", "beyond int64"),
        ({"columns": {"x": [0, 2**200]}}, "/columns/x/1", "beyond int64"),
        ({"columns": {"x": [0.5, 10**400]}}, "/columns/x/1", "beyond the range of float64"),
        ({"columns": {"x": [0, 1, True]}}, "/columns/x/2", "mixed"),
        ({"columns": {"x": [False] * 9000 + [1]}}, "/columns/x/9000", "mixed"),
        ([1, 2], "", "an object"),
        (3, "", "an object"),
        (b'{"columns": {"x": [[1, 2], [3, NaN]]}}', "/columns/x/1/1", "not JSON"),
        (b'{"columns": {"x": [1, -Infinity]}}', "/columns/x/1", "not JSON"),
        (b'{"columns": {"x": [[1], [1e400]]}}', "/columns/x/1/0", "range of float64"),
        (b'{"columns": {"x": [1, 1e99999999999999999999]}}', "/columns/x/1", "exponent"),
        (b'{"columns": {"x": [1, ' + b"7" * 5000 + b", 2]}}", "/columns/x/1", "too many digits"),
        (b'{"columns": {"x": [1], "x": [2]}}', "/columns/x", "appears twice"),
        (b'{"columns": {"x": [1]}, "columns": {"y": [2]}}', "/columns", "appears twice"),
        (b'{"columns": {"x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}",
         "/columns/x" + "/0" * 32, "more than 32 deep"),
        (b'{"columns": {"x": [1, ' + b"[" * 20_000 + b"]" * 20_000 + b"]}}",
         "/columns/x/1", "Expected a number, not a list."),
        (b'{"more": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "/more", "no field"),
    ],
)  # fmt: skip
def test_a_fault_has_its_pointer_and_detail(
    tmp_path: Path, body: Any, pointer: str, detail: str
) -> None:
    found = faults(body, tmp_path)
    assert pointer in found
    assert detail in found[pointer]


def test_all_faults_are_listed(tmp_path: Path) -> None:
    body = {"columns": {"x": [[1], ["a"], [1, 2], [3]], "y": [None, 1, "b"]}, "z": [[1]]}
    found = faults(body, tmp_path)
    places = {"/columns/x/1/0", "/columns/x/2", "/columns/y", "/columns/y/0", "/columns/y/2", "/z"}
    assert found.keys() == places


def test_at_most_a_hundred_faults_are_listed(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        read({"columns": {"x": ["a"] * 10_000}}, tmp_path)
    assert len(caught.value.faults) == 100
    assert "first 100" in caught.value.detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "before it is complete"),
        (b'{"columns": {"x": [1, 2', "before it is complete"),
        (b'{"columns":\n {"x": [1, 2,, 3]}}', "near line 2, column 14"),
        (b'{"columns": {"x": [1]}} more', "near line 1"),
        (b'{"columns": {"x": [tru]}}', "near line 1"),
        (b'{"columns": {"\xff": [1]}}', "not UTF-8"),
        (
            b'{"columns": {"' + b"x" * 3_000_000 + b'": [1]}}',
            "A value or a gap in this JSON is longer",
        ),
        (b" " * 3_000_000 + b'{"columns": {"x": [1]}}', "A value or a gap in this JSON is longer"),
    ],
)
def test_malformed_json_is_refused(tmp_path: Path, body: bytes, detail: str) -> None:
    with pytest.raises(NotJson) as caught:
        read(body, tmp_path)
    assert detail in caught.value.detail


def test_a_syntax_error_in_a_later_block_has_its_line(tmp_path: Path) -> None:
    rows = ",\n".join(f"[{i}, {i / 7}]" for i in range(20_000))
    with pytest.raises(NotJson) as caught:
        read(f'{{"columns": {{"x": [{rows}\n [1 2]]}}}}'.encode(), tmp_path)
    assert "near line 20001" in caught.value.detail


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["columns", "dtypes", "name", "x", "y"]), inner)
        ),
        max_leaves=30,
    )
)
def test_any_json_is_read_or_refused(tmp_path: Path, value: Any) -> None:
    try:
        body = read({"columns": {"x": value}, "dtypes": {"x": "int64"}}, tmp_path)
    except (Invalid, NotJson):
        return
    assert array(body).dtype == np.int64
    assert array(body).tolist() == value


@pytest.mark.parametrize("control", ["\x00", "\x0b", "\x0c", "\x1f"])
@pytest.mark.parametrize("text", ['{"columns":%s{"x": [1]}}', '{"columns": {"x%s": [1]}}'])
def test_control_characters_are_refused_with_their_place(
    tmp_path: Path, text: str, control: str
) -> None:
    column = text.index("%") + 1
    with pytest.raises(NotJson, match=f"near line 1, column {column}: a control character"):
        read((text % control).encode(), tmp_path)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_json_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(b'{"name": "n", "columns": {"x": [[1, 2.5e0], [-3, 4]], "y": [true, false]}}')
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        body = read(bytes(raw), tmp_path)
    except (Invalid, NotJson):
        return
    parsed = json.loads(raw.decode())
    for written in body.columns:
        assert np.load(written.path).tolist() == parsed["columns"][written.column.name]


@pytest.mark.slow
def test_memory_stays_below_the_size_of_the_arrays(tmp_path: Path) -> None:
    row = json.dumps([i / 7 for i in range(1000)])
    raw = f'{{"columns": {{"x": [{",".join([row] * 1000)}]}}}}'.encode()
    source = io.BytesIO(raw)
    tracemalloc.start()
    body = json_columns.read(source, tmp_path, limit=1 << 30)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert body.nbytes == 8_000_000
    assert peak < 0.8 * body.nbytes
