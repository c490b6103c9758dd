"""The reader of CSV and TSV, against Python's csv module."""

import csv
import io
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Fault, Invalid
from tests.support.dataset_bodies import CSV, TSV, encode_csv, read_body, write_csv

DRAW = np.random.default_rng(15)
LONG = 3_000_000
"""Rows whose text has more than the block that the first types are taken from."""


def read_values(raw: bytes, name: str = "x", **options: Any) -> tuple[str, list[Any]]:
    """The dtype and the rows of a column."""
    found = read_body(raw, CSV, **options)[name]
    return found.column.dtype, found.rows


def find_faults(raw: bytes, **options: Any) -> list[Fault]:
    with pytest.raises(Invalid) as caught:
        read_body(raw, CSV, **options)
    return list(caught.value.faults)


def find_fault(raw: bytes, **options: Any) -> Fault:
    (fault,) = find_faults(raw, **options)
    return fault


@pytest.mark.parametrize("media_type", [CSV, TSV])
def test_columns_are_read_with_their_types(media_type: str) -> None:
    names = ["whole", "float", "flag", "text"]
    rows = [
        [-3, 0.5, True, "a, b"],
        [2**62, -1e300, False, 'say "hi"'],
        [0, 3.0, True, "two\nlines"],
    ]
    raw = write_csv(names, rows, "\t" if media_type == TSV else ",")
    found = read_body(raw, media_type)
    assert [found[name].column.dtype for name in names] == ["int64", "float64", "bool", "string"]
    assert [list(row) for row in zip(*(found[name].rows for name in names), strict=True)] == rows


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@pytest.mark.slow
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20))
def test_texts_are_those_of_the_csv_module(rows: list[tuple[str, str]]) -> None:
    raw = write_csv(["a", "b"], rows)
    found = read_body(raw, CSV, dtype={"a": "string", "b": "string"}, null=["<none>"])
    reader = list(csv.reader(io.StringIO(raw.decode(), newline="")))[1:]
    assert [list(row) for row in zip(found["a"].rows, found["b"].rows, strict=True)] == reader


@pytest.mark.slow
@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_whole_numbers_are_exact(values: list[int | None]) -> None:
    dtype, rows = read_values(encode_csv(x=np.array(values, object), y=np.zeros(len(values))))
    assert rows == values
    assert dtype == ("float64" if set(values) == {None} else "int64")


@pytest.mark.slow
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=1))
def test_floats_are_exact(values: list[float | None]) -> None:
    raw = write_csv(["x", "y"], [["" if v is None else repr(v), 1] for v in values])
    dtype, rows = read_values(raw)
    assert dtype == "float64"
    assert rows == values


@pytest.mark.parametrize(
    ("cells", "dtype", "rows"),
    [
        (["1", "NA", "", "null", "NaN"], "int64", [1, None, None, None, None]),
        (["0.5", "nan", "inf"], "float64", [0.5, math.nan, math.inf]),
        (["1", "2.0"], "float64", [1.0, 2.0]),
        (["true", "FALSE", ""], "bool", [True, False, None]),
        (["true", "1"], "string", ["true", "1"]),
        (["007", "12"], "string", ["007", "12"]),
        (["12", "00"], "string", ["12", "00"]),
        (["0x1F", "2"], "string", ["0x1F", "2"]),
        ([" 01067", "12"], "string", [" 01067", "12"]),
        (["01067 ", "12"], "string", ["01067 ", "12"]),
        ([" 0x1F", "2"], "string", [" 0x1F", "2"]),
        ([" 0", " 10", " 0.5"], "float64", [0.0, 10.0, 0.5]),
        (["1.5", "007"], "string", ["1.5", "007"]),
        (["007", "1.5"], "string", ["007", "1.5"]),
        (["0", "0.5", "-0.25"], "float64", [0.0, 0.5, -0.25]),
        (["0", "10", "100"], "int64", [0, 10, 100]),
        (["2020-01-01", "2020-01-02"], "string", ["2020-01-01", "2020-01-02"]),
        (["2020-01-01 10:00:00", "2020-01-02 00:00:00"], "string", None),
        (["10:30", "08:15"], "string", ["10:30", "08:15"]),
        (["01/02/2020", "02/02/2020"], "string", ["01/02/2020", "02/02/2020"]),
        (["1,5", "2,5"], "string", ["1,5", "2,5"]),
        ([" 1", "2 "], "int64", [1, 2]),
        (["", "NA"], "float64", [None, None]),
        (["12345678901234567890", "0.5"], "float64", [1.2345678901234567e19, 0.5]),
    ],
)
def test_types_are_inferred(cells: list[str], dtype: str, rows: list[Any] | None) -> None:
    found_dtype, found_rows = read_values(write_csv(["x", "y"], [[cell, 1] for cell in cells]))
    assert found_dtype == dtype
    np.testing.assert_equal(found_rows, cells if rows is None else rows)


@pytest.mark.parametrize(
    ("end", "dtype", "last"),
    [
        (b"3.5\n", "float64", 3.5),
        (b"NA\n", "int64", None),
        (b"007\n", "string", "007"),
        (b"many\n", "string", "many"),
        (b"true\n", "string", "true"),
    ],
)
def test_types_follow_from_the_whole_text(end: bytes, dtype: str, last: object) -> None:
    found_dtype, rows = read_values(b"x\n" + b"7\n" * LONG + end)
    assert found_dtype == dtype
    assert rows[0] == {"int64": 7, "float64": 7.0, "string": "7"}[dtype]
    assert rows[-1] == last
    assert len(rows) == LONG + 1


def test_a_column_that_begins_without_values_has_the_type_of_later_ones() -> None:
    raw = b"x,y\n" + b",1\n" * LONG + b"5,1\n"
    dtype, rows = read_values(raw)
    assert (dtype, rows[0], rows[-1]) == ("int64", None, 5)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_a_byte_order_mark(end: str) -> None:
    raw = "\ufeff" + end.join(["x,y", "1,a", "", "2,b"])
    found = read_body(raw.encode(), CSV)
    assert (found["x"].rows, found["y"].rows) == ([1, 2], ["a", "b"])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_empty_lines_before_the_first_line_are_no_rows(start: str, end: str) -> None:
    raw = (start + end.join(["", "", "x,y", "1,a", "2,b"])).encode()
    found = read_body(raw, CSV)
    assert (found["x"].rows, found["y"].rows) == ([1, 2], ["a", "b"])
    found = read_body(raw, CSV, header=False)
    assert found["column_0"].rows == ["x", "1", "2"]


def test_a_zero_after_a_byte_order_mark_is_kept() -> None:
    found = read_body("\ufeff007,1\n12,2\n".encode(), CSV, header=False)
    assert found["column_0"].rows == ["007", "12"]


def test_options() -> None:
    raw = b"1;-;007\n2;x;\n"
    found = read_body(
        raw, CSV, delimiter=";", header=False, null=["-"], dtype={"column_2": "string"}
    )
    assert {name: column.rows for name, column in found.items()} == {
        "column_0": [1, 2],
        "column_1": [None, "x"],
        "column_2": ["007", ""],
    }


@pytest.mark.parametrize(
    ("cells", "dtype", "rows"),
    [
        (["1", "2.0", ""], "int32", [1, 2, None]),
        (["1", "0", ""], "bool", [True, False, None]),
        (["true", "false"], "int8", [1, 0]),
        (["007", "12"], "uint8", [7, 12]),
        (["18446744073709551615", "0"], "uint64", [2**64 - 1, 0]),
        (["18446744073709551615", "0"], "float64", [2.0**64, 0.0]),
        (["0.1", "2"], "float32", [float(np.float32(0.1)), 2.0]),
        (["0.5", "2"], "float16", [0.5, 2.0]),
        (["0.5", "2"], "bfloat16", [0.5, 2.0]),
        (["1", "2.50"], "string", ["1", "2.50"]),
    ],
)
def test_a_dtype_is_kept(cells: list[str], dtype: str, rows: list[Any]) -> None:
    raw = write_csv(["x", "y"], [[cell, 1] for cell in cells])
    assert read_values(raw, dtype={"x": dtype}) == (dtype, rows)


@pytest.mark.parametrize(
    ("cells", "dtype", "row", "detail"),
    [
        (["1", "300"], "uint8", 1, "300"),
        (["1", "-1"], "uint64", 1, "-1"),
        (["1", "2.5"], "int32", 1, "2.5"),
        (["1", "", "many"], "int32", 2, "'many'"),
        (["1", "many"], "float32", 1, "'many'"),
        (["1", "1e39"], "float32", 1, "float32"),
        (["2"], "bool", 0, "2"),
        (["1", "0xFFFFFFFFFFFFFFFF"], "int64", 1, "0xFFFFFFFFFFFFFFFF"),
        (["1", " 0x10"], "float64", 1, "0x10"),
        (["1", "12345678901234567890"], None, 1, "uint64"),
        (["+5", "9223372036854775807", "-9223372036854775809"], None, 2, "uint64"),
        (["0.5", "1e400"], None, 1, "1e400"),
    ],
)
def test_a_cell_at_fault_is_named_by_line_row_and_column(
    cells: list[str], dtype: str | None, row: int, detail: str
) -> None:
    raw = write_csv(["x", "two\nlines"], [[cell, "a"] for cell in cells])
    options = {} if dtype is None else {"dtype": {"x": dtype}}
    fault = find_fault(raw, **options)
    assert fault.pointer == f"/columns/x/{row}"
    assert f"Column 'x', line {row + 3} (row {row})" in fault.detail
    assert detail in fault.detail


def test_faults_of_several_columns_are_listed() -> None:
    raw = write_csv(["x", "y", "z"], [[1, 2, 3], ["a", 300, 3], [1, 2, "c"]])
    found = find_faults(raw, dtype={"x": "int32", "y": "uint8", "z": "float32"})
    assert {fault.pointer for fault in found} == {"/columns/x/1", "/columns/z/2"}
    found = find_faults(raw, dtype={"y": "uint8", "x": "string"})
    assert {fault.pointer for fault in found} == {"/columns/y/1"}


@pytest.mark.parametrize(
    ("raw", "pointer", "detail"),
    [
        (b"", "", "empty"),
        (b"\n\n", "", "empty"),
        (b"x,y\n", "", "no rows"),
        (b"x,x\n1,2\n", "/columns/x", "Columns 1 and 2"),
        (b",x\n0,1\n", "/columns", "index=False"),
        (b"x,y\n1,\xff\n", "", "Line 2, byte 3 of the line, is no UTF-8: 0xFF"),
        (b"x,y\n1,a\n2,caf\xe9\n", "", "Line 3, byte 6"),
        (b"x,y\n1,\xc3", "", "Line 2, byte 3"),
        (b"x,y\n1,\0\n", "", "Line 2, byte 3 of the line, is a null byte"),
        ("x,y\n1,2\n".encode("utf-16"), "", "UTF-16"),
        ("x,y\n1,2\n".encode("utf-16-le"), "", "UTF-16"),
        (b"x,y\n1,2\n3\n", "/rows/1", "Line 3 has 1 cells where the first line has 2: 3"),
        (b'x,y\n"a\nb",2\n3,4,5\n', "/rows/1", "Line 4 has 3 cells"),
        (b'x,y\n1,"2\n3,4\n', "", "Line 2 opens a quote that is never closed"),
        (b"x,y\n" + b"1" * 9_000_000 + b",2\n", "", "longer than 4 MiB"),
        (b"5.1,3.5,setosa\n4.9,3.0,setosa\n", "/columns", "header=false"),
        (b"3,1\n1,2\n", "/columns", "header=false"),
        (b"x" * 300 + b"\n1\n", "/columns/" + "x" * 300, "1 to 256 characters"),
    ],
)
def test_a_body_at_fault_is_named(raw: bytes, pointer: str, detail: str) -> None:
    fault = find_fault(raw)
    assert fault.pointer == pointer
    assert detail in fault.detail


def test_the_first_ragged_rows_are_listed() -> None:
    found = find_faults(b"x,y\n1,2\n3\n4,5\n6,7,8\n9\n10\n")
    assert [fault.pointer for fault in found] == ["/rows/1", "/rows/3", "/rows/4"]


def test_many_columns_are_refused() -> None:
    names = ",".join(f"c{i}" for i in range(100_000)).encode()
    values = b",".join([b"1"] * 100_000)
    assert "100000 columns" in find_fault(names + b"\n" + values + b"\n").detail


def test_names_that_are_consecutive_numbers_are_names() -> None:
    found = read_body(b"0,1\n5,6\n", CSV)
    assert {name: column.rows for name, column in found.items()} == {"0": [5], "1": [6]}
    assert list(read_body(b"5.1,x\n5,6\n", CSV, header=True)) == ["5.1", "x"]


def test_a_quote_within_a_cell_is_part_of_it() -> None:
    assert read_values(b'x,y\n5" disk,1\n', "x") == ("string", ['5" disk'])


def test_a_wide_and_long_table_is_read_in_order() -> None:
    columns: dict[str, Any] = {f"c{i}": DRAW.integers(-1000, 1000, 20_000) for i in range(40)}
    found = read_body(encode_csv(**columns), CSV)
    assert list(found) == list(columns)
    for name, values in columns.items():
        assert found[name].rows == values.tolist()
        assert found[name].column.mean == pytest.approx(values.mean())


@pytest.mark.parametrize("rows_before", [0, 10, 400_000])
def test_a_line_longer_than_a_block_is_read(rows_before: int) -> None:
    text = "y" * (3 << 20)
    raw = b"x,y\n" + b"2,z\n" * rows_before + f"1,{text}\n3,last\n".encode()
    found = read_body(raw, CSV)
    assert found["x"].column.dtype == "int64"
    assert len(found["x"].rows) == rows_before + 2
    assert found["y"].rows[-2:] == [text, "last"]


def test_faults_before_a_line_longer_than_a_block_are_listed_once() -> None:
    raw = b"x,y\n1,300\n" + b"2,1\n" * 200_000 + b"3," + b" " * (3 << 20) + b"5\n"
    assert find_fault(raw, dtype={"y": "uint8"}).pointer == "/columns/y/0"


@pytest.mark.parametrize("quoted_null", [True, False])
def test_quoted_cells_are_missing_as_in_pandas_unless_the_client_says_no(quoted_null: bool) -> None:
    raw = b'text,other,number\n"",a,1\n"NA",NA,"2"\nb,"x, y",\n'
    options = {} if quoted_null else {"quoted_null": False}
    found = read_body(raw, CSV, **options)
    assert found["text"].rows == ([None, None, "b"] if quoted_null else ["", "NA", "b"])
    assert found["other"].rows == ["a", None, "x, y"]
    assert found["number"].rows == [1, 2, None]
