"""Rows that are objects, in JSON and NDJSON: values are read back, and faults have their place."""

import io
import json
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Invalid, NotJson, TooLarge
from domain.formats.read_options import ReadOptions
from models_store.datasets.columns.read import open_column
from models_store.datasets.formats.body import Body
from models_store.datasets.formats.json import columns as json_columns
from models_store.datasets.formats.json import lines as json_lines

Rows = list[Any]


def read_lines(rows: Rows | bytes, folder: Path, limit: int = 1 << 30, **options: Any) -> Body:
    raw = rows if isinstance(rows, bytes) else "\n".join(map(json.dumps, rows)).encode()
    return json_lines.read(io.BytesIO(raw), folder, limit, ReadOptions(**options))


def read_document(rows: Rows, folder: Path, limit: int = 1 << 30, **fields: Any) -> Body:
    raw = json.dumps({**fields, "rows": rows}).encode()
    return json_columns.read(io.BytesIO(raw), folder, limit)


def values_of(body: Body) -> dict[str, Any]:
    return {
        file.column.name: open_column(file.column.dtype, file.column.shape, file.files)
        .read(0, file.rows)
        .to_list()
        for file in body.columns
    }


VALUES = [
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 9) | st.floats(0, 1),
    st.booleans(),
    st.text(max_size=3),
    st.lists(st.lists(st.integers(0, 99) | st.none(), min_size=2, max_size=2), min_size=3,
             max_size=3),
]  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> Rows:
    names = draw(st.lists(st.text("ab/~\"'é ", min_size=1, max_size=3), min_size=1, unique=True))
    kinds = {name: draw(st.sampled_from(VALUES)) for name in names[:4]}
    count = draw(st.integers(1, 8))
    rows: Rows = [
        {name: draw(kind) for name, kind in kinds.items() if draw(st.booleans())}
        for _ in range(count)
    ]
    rows[-1] = {name: draw(kind.filter(has_value)) for name, kind in kinds.items()}
    return rows


def has_value(item: Any) -> bool:
    """Whether not all of an item is missing; a column of null alone would need its dtype."""
    return any(map(has_value, item)) if isinstance(item, list) else item is not None


def fill(rows: Rows, name: str) -> Rows:
    """Returns the values of a column; rows without it have null in the shape of the last row."""

    def empty(value: Any) -> Any:
        return [empty(item) for item in value] if isinstance(value, list) else None

    return [row[name] if row.get(name) is not None else empty(rows[-1][name]) for row in rows]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(tables())
def test_any_rows_are_read_back_in_both_forms(rows: Rows) -> None:
    expected = {name: fill(rows, name) for row in rows for name in row}
    for read in (read_lines, read_document):
        with TemporaryDirectory() as folder:
            body = read(rows, Path(folder))
            assert body.rows == len(rows)
            assert values_of(body) == expected


def test_a_column_of_lists_of_null_alone_needs_its_dtype(tmp_path: Path) -> None:
    for read in (read_lines, read_document):
        with pytest.raises(Invalid, match="set its dtype"):
            read([{"a": [[None, None]]}, {"b": 1}], tmp_path)


def test_types_follow_from_the_whole_text(tmp_path: Path) -> None:
    rows = [{"a": number, "b": None} for number in range(50_000)]
    body = read_lines([*rows, {"a": 3.5, "b": "x", "c": True}], tmp_path)
    dtypes = {file.column.name: file.column.dtype for file in body.columns}
    assert dtypes == {"a": "float64", "b": "string", "c": "bool"}
    assert [file.column.missing for file in body.columns] == [0, 50_000, 50_000]
    assert values_of(body)["a"] == [*map(float, range(50_000)), 3.5]


def test_options_set_dtypes_and_shapes_of_lines(tmp_path: Path) -> None:
    rows = [{"a": 1, "b": [1, 2], "c": None}, {"a": 2, "b": [], "c": None}]
    options: dict[str, Any] = {"dtype": {"a": "uint8", "c": "string"}, "shape": {"b": [None]}}
    body = read_lines(rows, tmp_path, **options)
    columns = {file.column.name: file.column for file in body.columns}
    assert {name: column.dtype for name, column in columns.items()} == {
        "a": "uint8", "b": "int64", "c": "string",
    }  # fmt: skip
    assert columns["b"].shape == [None]
    assert values_of(body) == {"a": [1, 2], "b": [[1, 2], []], "c": [None, None]}


def test_fields_set_dtypes_and_shapes_of_rows(tmp_path: Path) -> None:
    rows = [{"a": 1, "b": [[1, 2]]}, {"a": 2, "b": []}]
    shapes = {"b": [None, 2]}
    body = read_document(rows, tmp_path, dtypes={"a": "bfloat16"}, shapes=shapes, name="n")
    assert body.name == "n"
    assert body.columns[0].column.dtype == "bfloat16"
    assert values_of(body) == {"a": [1, 2], "b": [[[1, 2]], []]}


FAULTS: list[Any] = [
    ([{"a": 1}, {"a": "x"}], "/1/a", "Expected a number, not text."),
    ([{"a": "x"}, {}, {"a": 1}], "/2/a", "Expected text, not a number"),
    ([{"a": 1}, {"a": True}], "/1/a", "mixed"),
    ([{"a": 1}, {"a": [1]}], "/1/a", "Expected a value, not a list."),
    ([{"a": [1]}, {"a": 1}], "/1/a", "Expected a list, not a number."),
    ([{"a": [1, 2]}, {"a": [1]}], "/1/a", "This list has 1 values where the first row has 2."),
    ([{"a": [[1], [2]]}, {"a": [[1], [2, 3]]}], "/1/a/1", "has 2 values"),
    ([{"a": [[1, 2]]}, {"a": [[1, "x"]]}], "/1/a/0/1", "Expected a number, not text."),
    ([{"a": {"b": 1}}], "/0/a", "Expected a value, not an object."),
    ([{"a": [{"b": 1}]}], "/0/a/0", "Expected a value, not an object."),
    ([{"a": []}], "/0/a", "This list is empty."),
    ([{"a": None}, {"a": None}], "/0/a", "set its dtype"),
    ([{"a": 1}, 3], "/1", "an object like"),
    ([{"a": 1}, [3]], "/1", "an object like"),
    ([{"": 1}], "/columns/", "1 to 256 characters"),
    ([{"a": 2**63}], "/0/a", "beyond int64"),
    pytest.param(
        [{f"c{index}": 1} for index in range(5_000)],
        "/columns",
        "at most 4096 columns",
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize(("rows", "pointer", "detail"), FAULTS)
def test_a_fault_names_row_and_column(
    tmp_path: Path, rows: Rows, pointer: str, detail: str
) -> None:
    for read, prefix in ((read_lines, ""), (read_document, "/rows")):
        folder = tmp_path / read.__name__
        folder.mkdir()
        with pytest.raises(Invalid) as caught:
            read(rows, folder)
        found = {fault.pointer: fault.detail for fault in caught.value.faults}
        place = pointer if pointer.startswith("/columns") else prefix + pointer
        assert detail in found[place]


@pytest.mark.parametrize(
    ("raw", "pointer", "detail"),
    [
        (b"", "", "The body has no rows."),
        (b"\n\n", "/0", "Line 1 is empty."),
        (b"{}\n{}\n", "", "No row has a key."),
        (b'{"a": 1}\n\n{"a": 2}\n', "/1", "Line 2 is empty."),
        (b'{"a": 1}\n{"a": \n', "/1", "Line 2 is not JSON, near column 7"),
        (b'{"a": 1} {"a": 2}', "/0", "Line 1 is not JSON, near column 10"),
        (b'{"a": "\xff"}', "/0", "Line 1 is not UTF-8, at byte 8."),
        (b'{"a": NaN}', "/0", "Line 1 has NaN."),
        (b'{"a": -Infinity}', "/0", "Line 1 has -Infinity."),
        (b'{"a": 1, "a": 2}', "/0", "Line 1 has the key 'a' twice."),
        (b'{"a": "\\ud800"}', "/0", "half a character"),
        (b'{"a": 1e400}', "/0/a", "range of float64"),
        (b'{"a": ' + b"7" * 5000 + b"}", "/0", "too many digits"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "/0", "nested too deep"),
        (b'{"a": ' + b"[" * 40 + b"1" + b"]" * 40 + b"}", "/0/a", "more than 31 deep"),
        (b'{"a": "\x00"}', "/0", "Line 1 is not JSON"),
        (b'{"a": "' + b"x" * (17 << 20) + b'"}', "/0", "longer than 16777216 bytes"),
    ],
)
def test_malformed_lines_are_refused(tmp_path: Path, raw: bytes, pointer: str, detail: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_lines(raw, tmp_path)
    assert detail in {fault.pointer: fault.detail for fault in caught.value.faults}[pointer]


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"rows": []}, "/rows", "at least one key"),
        ({"rows": [{}]}, "/rows", "at least one key"),
        ({"rows": {"a": 1}}, "/rows", "is a list of objects"),
        ({"rows": [{"a": 1}], "columns": {"a": [1]}}, "/rows", "either `columns` or `rows`"),
        ({"columns": {"a": [1]}, "rows": [{"a": 1}]}, "/rows", "either `columns` or `rows`"),
        ({"rows": [{"a": 1}], "dtypes": {"b": "int8"}}, "/dtypes/b", "no column 'b'"),
        ({"rows": [{"a": 300}], "dtypes": {"a": "int8"}}, "/rows/0/a", "300 does not fit int8."),
        ({"rows": [{"a": [1]}], "shapes": {"a": [None]}}, "/shapes/a", "before `rows`"),
        ({"shapes": {"a": [None]}, "rows": [{}, {"a": [1]}]}, "/rows/0/a", "cannot be missing"),
        ({"shapes": {"a": [2]}, "rows": [{"a": [1]}]}, "/rows/0/a", "has 1 values"),
        ('{"rows": [{"a": 1, "a": 2}]}', "/rows/0/a", "appears twice"),
        ('{"rows": [{"a": 1}, {"a": NaN}]}', "/rows/1/a", "not JSON"),
        ('{"rows": [{"a": ' + "[" * 99 + "]" * 99 + "}]}", "/rows/0/a" + "/0" * 31, "31 deep"),
    ],
)
def test_a_document_of_rows_may_be_at_fault(
    tmp_path: Path, body: Any, pointer: str, detail: str
) -> None:
    raw = body if isinstance(body, str) else json.dumps(body)
    with pytest.raises(Invalid) as caught:
        json_columns.read(io.BytesIO(raw.encode()), tmp_path, 1 << 30)
    assert detail in {fault.pointer: fault.detail for fault in caught.value.faults}[pointer]


def test_utf_16_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NotJson, match="UTF-16"):
        read_lines('{"a": 1}'.encode("utf-16"), tmp_path)


def test_a_byte_order_mark_and_windows_lines_are_taken(tmp_path: Path) -> None:
    body = read_lines(b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n', tmp_path)
    assert values_of(body) == {"a": [1, 2]}


def test_an_unknown_option_column_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="No row has the key"):
        read_lines([{"a": 1}], tmp_path, dtype={"b": "int8"})


@pytest.mark.parametrize(
    "rows",
    [
        [{f"c{index}": 1 for index in range(1_000)}, *[{}] * 2_000],
        [{"a": list(range(10_000))}, *[{"a": None}] * 200],
        [*[{}] * 200, {"a": list(range(10_000))}],
    ],
)
def test_missing_values_are_bounded(tmp_path: Path, rows: Rows) -> None:
    for read in (read_lines, read_document):
        folder = tmp_path / read.__name__
        folder.mkdir()
        with pytest.raises(TooLarge, match="missing values"):
            read(rows, folder, limit=1 << 20)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["lines", "document"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, form: str) -> None:
    peaks = []
    for count in (20_000, 80_000):
        rows = [{"a": index, "b": str(index % 100), "c": [index, 0.5]} for index in range(count)]
        folder = tmp_path / str(count)
        folder.mkdir()
        lines = "\n".join(map(json.dumps, rows)).encode()
        raw = lines if form == "lines" else json.dumps({"rows": rows}).encode()
        reader = json_lines.read if form == "lines" else json_columns.read
        source = io.BytesIO(raw)
        tracemalloc.start()
        reader(source, folder, 1 << 30)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None)
@given(st.data())
def test_damaged_lines_are_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(b'{"a": [1, 2.5e0], "b": "x\\u00e9"}\n{"a": [null, 4], "b": null}\n')
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        try:
            body = read_lines(bytes(raw), Path(folder))
        except (Invalid, NotJson):
            return
        rows = [json.loads(line) for line in bytes(raw).split(b"\n") if line]
        assert body.rows == len(rows)
