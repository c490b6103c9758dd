"""JSON columns: arrays are read back unchanged, and faults have their pointer."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from ml_dtypes import bfloat16

from domain.errors import Invalid, NotJson
from models_store.datasets.columns.npy import DTYPES, HEADER_BYTES
from models_store.datasets.columns.read import load_array, open_column
from models_store.datasets.formats.body import Body
from models_store.datasets.formats.faults import MAX_FAULTS
from models_store.datasets.formats.json import columns as json_columns
from tests.conftest import Counter

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
    return load_array(body.columns[index].files["values"])


@st.composite
def finite_arrays(draw: st.DrawFn) -> Any:
    dtype = np.dtype(draw(ANY_DTYPE))
    elements: dict[str, Any] = (
        {"allow_nan": False, "allow_infinity": False} if dtype.kind == "f" else {}
    )
    return draw(npst.arrays(dtype, SHAPES, elements=npst.from_dtype(dtype, **elements)))


VALUES = {
    "float64": st.floats(allow_nan=False, allow_infinity=False),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "bool": st.booleans(),
    "string": st.text(max_size=4),
}


@settings(max_examples=150)
@given(st.data(), st.sampled_from(list(VALUES)), st.booleans(), st.booleans())
def test_any_rows_are_read_back(
    tmp_path: Path, data: st.DataObject, dtype: str, first: bool, ragged: bool
) -> None:
    shape = data.draw(st.lists(st.integers(1, 3), min_size=int(ragged), max_size=2))
    strategy: Any = st.none() | VALUES[dtype]
    for size in reversed(shape[1:] if ragged else shape):
        strategy = st.lists(strategy, min_size=size, max_size=size)
    if ragged:
        strategy = st.lists(strategy, max_size=4)
    rows: list[Any] = data.draw(st.lists(strategy, min_size=1, max_size=6))
    declared = [None, *shape[1:]] if ragged else shape
    more: dict[str, Any] = {"dtypes": {"x": dtype}, "shapes": {"x": declared}}
    body = {**more, "columns": {"x": rows}} if first or ragged else {"columns": {"x": rows}, **more}
    (file,) = read(body, tmp_path).columns
    column, files, count = file.column, file.files, file.rows
    assert (column.dtype, column.shape, count) == (dtype, declared, len(rows))
    assert open_column(dtype, declared, files).read(0, count).to_list() == rows
    flat = flatten(rows)
    present = [value for value in flat if value is not None]
    assert column.missing == len(flat) - len(present)
    if not shape:
        assert column.distinct == len(set(present))
    if ragged:
        assert column.longest == max(map(len, rows))


def flatten(values: Any) -> list[Any]:
    if not isinstance(values, list):
        return [values]
    return [item for value in values for item in flatten(value)]


@pytest.mark.slow
@pytest.mark.parametrize("block", [16, 1 << 18])
def test_shapes_may_follow_the_columns(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models_store.datasets.formats.json.events.BLOCK_BYTES", block)
    rows: list[list[int]] = [[1, 2]] * 20_000 + [[3], [], [4, 5, 6]] * 3_000
    body = read({"columns": {"x": rows}, "shapes": {"x": [None]}}, tmp_path)
    (file,) = body.columns
    assert (file.column.shape, file.rows, file.column.longest) == ([None], len(rows), 3)
    assert open_column("int64", [None], file.files).read(0, file.rows).to_list() == rows


def test_bfloat16_is_rounded_to_the_nearest(tmp_path: Path) -> None:
    values = [0.1, -3.14159, 1e38, None, 2]
    body = read({"dtypes": {"x": "bfloat16"}, "columns": {"x": values}}, tmp_path)
    block = open_column("bfloat16", [], body.columns[0].files).read(0, 5)
    expected = np.array([0.1, -3.14159, 1e38, np.nan, 2], np.float64).astype(bfloat16)
    assert block.values.tobytes() == expected.tobytes()
    assert block.missing is not None
    assert block.missing.tolist() == [False, False, False, True, False]


def test_a_late_fraction_keeps_missing_values(tmp_path: Path) -> None:
    values = [None, *range(20_000), None, 0.5]
    (file,) = read({"columns": {"x": values}}, tmp_path).columns
    assert open_column("float64", [], file.files).read(0, file.rows).to_list() == values
    assert (file.column.missing, file.column.max) == (2, 19_999)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.missing.npy", "0.npy"]


def test_text_may_begin_with_many_missing_values(tmp_path: Path) -> None:
    values = [*[None] * 100_000, "é", None, ""]
    (file,) = read({"columns": {"x": values}}, tmp_path).columns
    assert open_column("string", [], file.files).read(0, file.rows).to_list() == values
    assert file.column.classes is not None
    assert [(each.value, each.count) for each in file.column.classes] == [("", 1), ("é", 1)]


@pytest.mark.slow
@settings(max_examples=150)
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
    assert (column.min, column.max) == (values.min().item(), values.max().item())
    assert (body.rows, body.nbytes) == (len(values), values.nbytes)
    assert body.columns[0].arrays["values"].bytes == values.nbytes + HEADER_BYTES


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
         "Expected a value, not an object."),
        ({"columns": {"x": [[1, 2], None]}}, "/columns/x/1", "Expected a list, not null"),
        ({"columns": {"x": [None, [1, 2]]}}, "/columns/x/1", "not a list"),
        ({"columns": {"x": [None, None]}}, "/columns/x", "set its dtype in `dtypes`"),
        ({"columns": {"x": [None, 1, "b"]}}, "/columns/x/2", "Expected a number, not text."),
        ({"columns": {"x": ["a", None, 2]}}, "/columns/x/2", "Expected text, not a number"),
        ({"columns": {"x": ["a", True]}}, "/columns/x/1", "Expected text, not a number"),
        ({"columns": {"x": ["a", ["b"]]}}, "/columns/x/1", "Expected text, not a list."),
        ({"columns": {"x": [["a"], "b"]}}, "/columns/x/1", "Expected a list, not text."),
        ({"dtypes": {"x": "string"}, "columns": {"x": ["a", 2]}}, "/columns/x/1", "Expected text"),
        ({"columns": {"x": [1, 2]}, "dtypes": {"x": "string"}}, "/columns/x/0", "Expected text"),
        ({"columns": {"x": ["1"]}, "dtypes": {"x": "int8"}}, "/columns/x/0", "not text"),
        ({"dtypes": {"x": "int8"}, "columns": {"x": ["1"]}}, "/columns/x/0", "not text"),
        ({"dtypes": {"x": "bfloat16"}, "columns": {"x": [1, 1e39]}}, "/columns/x/1", "bfloat16"),
        ({"shapes": {"x": [None, 2]}, "columns": {"x": [[[1, 2]], [[3]]]}}, "/columns/x/1/0",
         "This list has 1 values where `shapes` says 2."),
        ({"shapes": {"x": [3]}, "columns": {"x": [[1, 2]]}}, "/columns/x/0",
         "This list has 2 values where `shapes` says 3."),
        ({"columns": {"x": [[1, 2]]}, "shapes": {"x": [3]}}, "/columns/x",
         "A row has the shape [2] where `shapes` says [3]."),
        ({"columns": {"x": [1]}, "shapes": {"x": [None]}}, "/columns/x", "`shapes` says [null]"),
        ({"columns": {"x": [[1], [2, 3]]}, "shapes": {"x": [1]}}, "/columns/x/1", "has 2 values"),
        ({"columns": {"x": [1]}, "shapes": {"x": [1, None]}}, "/shapes/x", "first may be null"),
        ({"columns": {"x": [1]}, "shapes": {"x": [0]}}, "/shapes/x", "1 or more"),
        ({"columns": {"x": [1]}, "shapes": {"x": [1.5]}}, "/shapes/x", "1 or more"),
        ({"columns": {"x": [1]}, "shapes": {"x": [[1], 2]}}, "/shapes/x", "1 or more"),
        ({"columns": {"x": [1]}, "shapes": {"x": 3}}, "/shapes/x", "A shape is a list"),
        ({"columns": {"x": [1]}, "shapes": {"z": []}}, "/shapes/z", "no column 'z'"),
        ({"shapes": {"x": [None]}, "columns": {"x": [[1], [2, "a"]]}}, "/columns/x/1/1", "text"),
        ({"shapes": {"x": [None]}, "columns": {"x": [[], [2, 300]]}, "dtypes": {"x": "uint8"}},
         "/columns/x/1/1", "300 does not fit uint8."),
        ({"columns": {"x": [[1], 2]}}, "/columns/x/1", "Expected a list, not a number."),
        ({"columns": {"x": [1, [2]]}}, "/columns/x/1", "Expected a number, not a list."),
        ({"columns": {"x": [[[1]], [2]]}}, "/columns/x/1/0", "Expected a list, not a number."),
        ({"columns": {"x": [[1], []]}}, "/columns/x/1", "Row 1 has 0 values where row 0 has 1."),
        ({"columns": {"x": [[1], []]}}, "/columns/x/1", '"shapes": {"x": [null]}'),
        ({"columns": {"x": [[]]}}, "/columns/x/0", "This list is empty."),
        ({"columns": {"x": []}}, "/columns/x", "no rows"),
        ({"columns": {}}, "/columns", "at least one column"),
        ({}, "/columns", "at least one column"),
        ({"columns": [1]}, "/columns", "is an object"),
        ({"columns": {"x": 3}}, "/columns/x", "list of rows"),
        ({"columns": {"x": [0] * 100, "y": [0] * 99}}, "/columns/y",
         "Column 'y' has 99 rows where 'x' has 100."),
        ({"columns": {"a/b": [1, "x"]}}, "/columns/a~1b/1", "text"),
        ({"colums": {"x": [1]}}, "/colums", "Did you mean 'columns'?"),
        ({"columns": {"x": [1]}, "name": 3}, "/name", "text"),
        ({"columns": {"": [1]}}, "/columns/", "1 to 256"),
        ({"columns": {"x": [1]}, "dtypes": {"z": "int8"}}, "/dtypes/z", "no column 'z'"),
        ({"columns": {"x": [1]}, "dtypes": {"z" * 257: "int8"}}, "/dtypes/" + "z" * 257,
         "no column 'zzz"),
        ({"columns": {"x": [1]}, "shapes": {"x": [1] * 32}}, "/shapes/x", "up to 31 numbers"),
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
        (b'{"columns": {"x": [1]}, "dtypes": {"x": "int8", "x": "int16"}}', "/dtypes/x",
         "appears twice"),
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
    body = {"columns": {"x": [[1], ["a"], [1, 2], [3]], "y": [1, None, "b"]}, "z": [[1]]}
    found = faults(body, tmp_path)
    places = {"/columns/x/1/0", "/columns/x/2", "/columns/y", "/columns/y/2", "/z"}
    assert found.keys() == places


def test_at_most_a_hundred_faults_are_listed(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        read({"columns": {f"x{index}": [1, "a"] for index in range(1_000)}}, tmp_path)
    assert len(caught.value.faults) == 100
    assert "first 100" in caught.value.detail


def test_many_faults_of_a_column_hide_no_other_column(tmp_path: Path) -> None:
    columns = {"x": [1, "a"] * 5_000, "y": [[1], [2, 3]] * 5_000, "z": [1] * 9_999 + ["a"]}
    found = faults({"columns": columns, "more": 1}, tmp_path)
    assert list(found) == [
        *("/columns/x/1", "/columns/x/3", "/columns/x/5"),
        "/columns/z/9999",
        "/more",
        *("/columns/y/1", "/columns/y/3", "/columns/y/5"),
    ]


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
        ('{"columns": {"x": [1]}}'.encode("utf-16"), "The body is UTF-16; JSON is sent as UTF-8."),
        ('{"columns": {"x": [1]}}'.encode("utf-32-be"), "The body is UTF-32"),
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
@settings(max_examples=300)
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
    (file,) = body.columns
    assert array(body).dtype == np.int64
    assert open_column("int64", file.column.shape, file.files).read(0, file.rows).to_list() == value


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_a_byte_order_mark_is_skipped(tmp_path: Path, size: int) -> None:
    class Slow(io.BytesIO):
        def read(self, most: int | None = -1) -> bytes:
            return super().read(size)

    raw = '{"columns": {"x": [1, 2]}}'.encode("utf-8-sig")
    assert array(json_columns.read(Slow(raw), tmp_path, limit=1 << 30)).tolist() == [1, 2]


@pytest.mark.parametrize("control", ["\x00", "\x0b", "\x0c", "\x1f"])
@pytest.mark.parametrize("text", ['{"columns":%s{"x": [1]}}', '{"columns": {"x%s": [1]}}'])
def test_control_characters_are_refused_with_their_place(
    tmp_path: Path, text: str, control: str
) -> None:
    column = text.index("%") + 1
    with pytest.raises(NotJson, match=f"near line 1, column {column}: a control character"):
        read((text % control).encode(), tmp_path)


@settings(max_examples=300)
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
        assert (
            load_array(written.files["values"]).tolist() == parsed["columns"][written.column.name]
        )


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


def test_the_search_for_faults_ends_at_a_hundred(tmp_path: Path, made_faults: Counter) -> None:
    columns = {f"c{i}": [0] + ["no number"] * 1_000 for i in range(1_000)}
    found = faults({"columns": columns}, tmp_path)
    assert len(found) <= MAX_FAULTS
    assert made_faults.count <= 2 * MAX_FAULTS
    made_faults.count = 0
    found = faults({f"field{i}": 1 for i in range(50_000)} | {"columns": {"x": [1]}}, tmp_path)
    assert len(found) <= MAX_FAULTS
    assert made_faults.count <= 2 * MAX_FAULTS


@pytest.mark.parametrize(
    ("start", "repeated", "pointer"),
    [
        (b'{"dtypes": {', b'"%d": "int8", ', "/dtypes"),
        (b'{"shapes": {', b'"%d": [1], ', "/shapes"),
        (b'{"dtypes": {', b'"%0900000d": "int8", ', None),
        (b'{"shapes": {"x": [1', b", 1%0500d", None),
        (b'{"rows": [{"%0900000d": 1}', b', {"%0900000d": 1}', None),
    ],
    ids=["dtypes", "shapes", "long names", "long shape", "long keys"],
)
def test_memory_is_bounded_by_no_part_of_a_body(
    tmp_path: Path, start: bytes, repeated: bytes, pointer: str | None
) -> None:
    class Long:
        """A body of 40 MB, of which the end is missing."""

        number = sent = 0
        rest = start % 0 if b"%" in start else start

        def read(self, size: int) -> bytes:
            if len(self.rest) < size and self.sent < 4e7:
                self.rest += b"".join(self.more(size - len(self.rest)))
            block, self.rest = self.rest[:size], self.rest[size:]
            self.sent += len(block)
            return block

        def more(self, size: int) -> Iterator[bytes]:
            while size > 0:
                self.number += 1
                yield (item := repeated % self.number)
                size -= len(item)

    tracemalloc.start()
    with pytest.raises((Invalid, NotJson)) as caught:
        json_columns.read(Long(), tmp_path, limit=1 << 30)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5e7
    if pointer is not None:
        assert isinstance(caught.value, Invalid)
        assert caught.value.faults[0].pointer.startswith(pointer)
