"""Arrow's types as columns, in Parquet and in Arrow's own formats."""

import datetime as dt
import io
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import Fault, Invalid, TooLarge
from domain.formats.read_options import ReadOptions
from models_store.datasets.columns.read import load_array
from models_store.datasets.formats.registry import FORMATS
from tests.support.dataset_bodies import FILE, PARQUET, STREAM, WRITERS, read_body

MEDIA_TYPES = [PARQUET, STREAM, FILE]
NUMBERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
SECOND = dt.datetime(2020, 2, 29, 12, 30, 1)


def read(media_type: str, array: pa.Array, **options: Any) -> tuple[str, list[Any], list[Any]]:
    """The dtype, the shape and the rows of the column `x` that an array gives."""
    raw = WRITERS[media_type](pa.table({"x": array, "row": range(len(array))}))
    found = read_body(raw, media_type, **options)["x"]
    return found.column.dtype, list(found.column.shape), found.rows


def find_faults(media_type: str, table: pa.Table, **options: Any) -> list[Fault]:
    with pytest.raises(Invalid) as caught:
        read_body(WRITERS[media_type](table), media_type, **options)
    return list(caught.value.faults)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("dtype", NUMBERS)
def test_whole_numbers(media_type: str, dtype: str) -> None:
    limits = np.iinfo(dtype)
    rows = [int(limits.min), None, int(limits.max)]
    array = pa.array(rows, getattr(pa, dtype)())
    assert read(media_type, array) == (dtype, [], rows)
    assert read(media_type, array.dictionary_encode()) == (dtype, [], rows)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats(media_type: str, dtype: str) -> None:
    values = np.array([0.5, np.nan, -np.inf, 0], dtype)
    array = pa.array(values, mask=np.array([False, False, False, True]))
    found_dtype, shape, rows = read(media_type, array)
    assert (found_dtype, shape) == (dtype, [])
    np.testing.assert_equal(rows, [0.5, np.nan, -np.inf, None])


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
)
def test_texts(media_type: str, kind: pa.DataType) -> None:
    rows = ["a", None, "", "ü", "a text of more than twelve bytes", "a"]
    assert read(media_type, pa.array(rows, kind)) == ("string", [], rows)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize(
    ("array", "dtype", "rows"),
    [
        (pa.array([True, None, False]), "bool", [True, None, False]),
        (pa.nulls(2), "float64", [None, None]),
        (pa.array([Decimal("1.5"), None], pa.decimal128(5, 2)), "float64", [1.5, None]),
        (pa.array([Decimal(10**17)], pa.decimal128(18, 0)), "int64", [10**17]),
        (pa.array([Decimal(10**30)], pa.decimal128(38, 0)), "float64", [1e30]),
        (pa.array([SECOND.date(), None]), "string", ["2020-02-29", None]),
        (pa.array([SECOND.date(), None]).dictionary_encode(), "string", ["2020-02-29", None]),
        (pa.array([Decimal("1.5"), None]).dictionary_encode(), "float64", [1.5, None]),
        (pa.array([SECOND], pa.timestamp("us")), "string", ["2020-02-29 12:30:01"]),
        (pa.array([SECOND], pa.timestamp("ms", "UTC")), "string", ["2020-02-29 12:30:01Z"]),
        (pa.array([SECOND.time()], pa.time64("us")), "string", ["12:30:01"]),
    ],
)
def test_other_types(media_type: str, array: pa.Array, dtype: str, rows: list[Any]) -> None:
    assert read(media_type, array) == (dtype, [], rows)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("scale", [0, 2, 9, 18, 30])
def test_a_decimal_number_is_the_nearest_float(media_type: str, scale: int) -> None:
    """Python's own conversion is the oracle."""
    random = np.random.default_rng(scale)
    digits = [*random.integers(-(10**18), 10**18, 500).tolist(), 3 * 10**scale, -3, 2675]
    values = [Decimal(number).scaleb(-scale) for number in digits]
    found = read(media_type, pa.array(values, pa.decimal128(38, scale)))
    assert found == ("float64", [], [float(value) for value in values])


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("large", [False, True])
def test_lists(media_type: str, large: bool) -> None:
    make = pa.large_list if large else pa.list_
    rows: list[Any] = [[1, 2], [], [None]]
    assert read(media_type, pa.array(rows, make(pa.int32()))) == ("int32", [None], rows)
    rows = [[1, 2], [3, None]]
    assert read(media_type, pa.array(rows, make(pa.int32()))) == ("int32", [2], rows)
    ragged = read(media_type, pa.array(rows, make(pa.int32())), shape={"x": [None]})
    assert ragged == ("int32", [None], rows)
    rows = [["a", ""], ["b"]]
    assert read(media_type, pa.array(rows, make(pa.string()))) == ("string", [None], rows)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_nested_lists(media_type: str) -> None:
    rows: list[Any] = [[[1, 2], [3, 4]], [[5, 6]], []]
    nested = pa.array(rows, pa.list_(pa.list_(pa.int16())))
    assert read(media_type, nested) == ("int16", [None, 2], rows)
    images = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    array = pa.array(images.tolist(), pa.list_(pa.list_(pa.uint8())))
    assert read(media_type, array) == ("uint8", [4, 5], images.tolist())
    reshaped = read(media_type, array, shape={"x": [20]})
    assert reshaped == ("uint8", [20], images.reshape(3, 20).tolist())


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_lists_of_fixed_size(media_type: str) -> None:
    rows = [[1.0, 2.0], None, [3.0, None]]
    found = read(media_type, pa.array(rows, pa.list_(pa.float32(), 2)))
    assert found == ("float32", [2], [[1.0, 2.0], [None, None], [3.0, None]])


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str
)
def test_texts_in_a_list_that_is_missing_are_missing(media_type: str, kind: pa.DataType) -> None:
    rows = [["a", "bc"], None, ["", None]]
    found = read(media_type, pa.array(rows, pa.list_(kind, 2)))
    assert found == ("string", [2], [["a", "bc"], [None, None], ["", None]])


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_tensors(media_type: str) -> None:
    values = np.arange(24, dtype=np.int64).reshape(4, 3, 2)
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(values)
    assert read(media_type, tensor) == ("int64", [3, 2], values.tolist())
    kind = pa.fixed_shape_tensor(pa.int64(), [3, 2], permutation=[1, 0])
    storage = pa.array(values.reshape(4, 6).tolist(), pa.list_(pa.int64(), 6))
    turned = pa.ExtensionArray.from_storage(kind, storage)
    assert read(media_type, turned) == ("int64", [2, 3], values.transpose(0, 2, 1).tolist())


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize(
    ("array", "dtype", "rows"),
    [
        (pa.array([1, None, 3]), "float32", [1.0, None, 3.0]),
        (pa.array([1.0, 3.0]), "uint8", [1, 3]),
        (pa.array([1, 0]), "bool", [True, False]),
        (pa.array([True, None]), "int8", [1, None]),
        (pa.array([1.5, None]), "bfloat16", [1.5, None]),
        (pa.array([" 1", None, "3"]), "int32", [1, None, 3]),
        (pa.array([7, None]), "string", ["7", None]),
        (pa.array([7, None, 7]).dictionary_encode(), "string", ["7", None, "7"]),
        (pa.array([Decimal(2**53 + 1)], pa.decimal128(38, 0)), "int64", [2**53 + 1]),
        (pa.array([Decimal(2**64 - 1)], pa.decimal128(38, 0)), "uint64", [2**64 - 1]),
        (pa.array([Decimal("3.00")], pa.decimal128(38, 2)), "int64", [3]),
        (pa.array([True]), "string", ["true"]),
        (pa.array([SECOND.date()]), "int32", [18321]),
        (pa.array([SECOND], pa.timestamp("ms")), "int64", [1582979401000]),
    ],
)
def test_a_dtype_is_kept(media_type: str, array: pa.Array, dtype: str, rows: list[Any]) -> None:
    assert read(media_type, array, dtype={"x": dtype}) == (dtype, [], rows)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize(
    ("rows", "dtype", "row"),
    [
        ([1, 300], "uint8", 1),
        ([0.5, 1.0], "int32", 0),
        ([1.0, None, 1e300], "float32", 2),
        ([1.0, None, 1e39], "bfloat16", 2),
        ([1.0, 3.4e38], "bfloat16", 1),
        (["1", "two"], "int32", 1),
        (["1", "0xFF"], "int8", 1),
        ([Decimal(1), Decimal(300)], "uint8", 1),
        ([[1, 2], [], [3, 300]], "uint8", 2),
        ([[1, 2], [3, 300]], "uint8", 1),
    ],
)
def test_a_value_that_does_not_fit_is_named(
    media_type: str, rows: list[Any], dtype: str, row: int
) -> None:
    (fault,) = find_faults(media_type, pa.table({"x": rows}), dtype={"x": dtype})
    assert fault.pointer == f"/columns/x/{row}"
    assert f"row {row}" in fault.detail


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_every_column_of_a_type_that_is_not_taken_is_named(media_type: str) -> None:
    table = pa.table(
        {
            "struct": pa.array([{"a": 1}]),
            "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
            "bytes": pa.array([b"a"]),
            "fixed": pa.array([b"ab"], pa.binary(2)),
            "span": pa.array([1], pa.duration("s")),
            "structs": pa.array([[{"a": 1}]]),
            "number": [1],
        }
    )
    found = find_faults(media_type, table)
    names = [fault.pointer.removeprefix("/columns/") for fault in found]
    assert names == ["struct", "map", "bytes", "fixed", "span", "structs"]


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize(
    ("array", "pointer", "detail"),
    [
        (pa.array([[1], None]), "/columns/x/1", "missing"),
        (pa.array([[[1, 2]], [[3]]]), "/columns/x/1", "1 items where the first has 2"),
        (pa.array([[[1], None]]), "/columns/x/0", "missing"),
        (pa.array([[[]], [[]]], pa.list_(pa.list_(pa.int8()))), "/columns/x", "without values"),
    ],
)
def test_lists_that_are_no_column(
    media_type: str, array: pa.Array, pointer: str, detail: str
) -> None:
    (fault,) = find_faults(media_type, pa.table({"x": array}))
    assert fault.pointer == pointer
    assert detail in fault.detail


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_names_and_rows_are_checked(media_type: str) -> None:
    twice = pa.table([[1], [2]], names=["a", "a"])
    assert "both named 'a'" in find_faults(media_type, twice)[0].detail
    unnamed = pa.table([[1]], names=[""])
    assert "has no name" in find_faults(media_type, unnamed)[0].detail
    empty = pa.table({"x": pa.array([], pa.int8())})
    assert "no rows" in find_faults(media_type, empty)[0].detail
    many = pa.table({f"c{i}": [1] for i in range(4_097)})
    assert "at most 4096" in find_faults(media_type, many)[0].detail


@pytest.mark.slow
@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_a_small_body_with_large_columns_is_refused(media_type: str) -> None:
    zeros = pa.table({"x": np.zeros(1_000_000)})
    repeated = pa.table({"x": pa.array(["a" * 10_000] * 10_000).dictionary_encode()})
    packed: dict[str, Any] = {} if media_type == PARQUET else {"compression": "zstd"}
    for table in (zeros, repeated):
        raw = WRITERS[media_type](table, **packed)
        assert len(raw) < 100_000
        with pytest.raises(TooLarge):
            read_body(raw, media_type, 4_000_000)
        assert len(read_body(raw, media_type)) == 1


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_a_truncated_body_is_refused(media_type: str) -> None:
    table = pa.table({"x": np.arange(1_000), "t": [str(i) for i in range(1_000)]})
    raw = WRITERS[media_type](table)
    for length in (0, 1, 8, 100, len(raw) // 2, len(raw) - 9, len(raw) - 1):
        with pytest.raises(Invalid) as caught:
            read_body(raw[:length], media_type)
        assert "not a complete" in caught.value.detail


INDICES = pa.array([0, 1, 0, None], pa.int8())


@pytest.mark.parametrize("media_type", [STREAM, FILE])
@pytest.mark.parametrize(
    ("words", "options", "dtype", "rows"),
    [
        (pa.array([7, -9]), {}, "int64", [7, -9, 7, None]),
        (pa.array([7, -9]), {"dtype": {"x": "string"}}, "string", ["7", "-9", "7", None]),
        (pa.array([7, None]), {}, "int64", [7, None, 7, None]),
        (pa.array([0.5, None]), {"dtype": {"x": "float32"}}, "float32", [0.5, None, 0.5, None]),
        (pa.array(["a", None]), {}, "string", ["a", None, "a", None]),
        (pa.array(["", "b"], pa.string_view()), {}, "string", ["", "b", "", None]),
        (pa.array([True, None]), {}, "bool", [True, None, True, None]),
        (pa.array([SECOND.date(), None]), {}, "string", ["2020-02-29", None, "2020-02-29", None]),
        (pa.array([Decimal(3), None], pa.decimal128(5, 0)), {}, "int64", [3, None, 3, None]),
    ],
)
def test_dictionaries_hold_any_type_and_missing_values(
    media_type: str, words: pa.Array, options: dict[str, Any], dtype: str, rows: list[Any]
) -> None:
    array = pa.DictionaryArray.from_arrays(INDICES, words)
    assert read(media_type, array, **options) == (dtype, [], rows)
    lists = pa.ListArray.from_arrays(pa.array([0, 3, 3, 4], pa.int32()), array)
    assert read(media_type, lists, **options) == (dtype, [None], [rows[:3], [], rows[3:]])


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_half_floats_may_be_text(media_type: str) -> None:
    array = pa.array(np.array([0.5, -2], np.float16))
    assert read(media_type, array, dtype={"x": "string"})[2] == ["0.5", "-2"]


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_a_time_zone_that_nobody_knows_is_a_fault(media_type: str) -> None:
    array = pa.array([0, 1], pa.timestamp("ms", "Atlantis/Capital"))
    (fault,) = find_faults(media_type, pa.table({"x": array, "y": [1, 2]}))
    assert fault.pointer == "/columns/x"
    assert "cannot be read as string" in fault.detail


@pytest.mark.parametrize("media_type", [STREAM, FILE])
@pytest.mark.parametrize(
    "metadata",
    [
        '{"shape":[2,2]}',
        '{"shape":[6,6]}',
        '{"shape":[-2,-3]}',
        '{"shape":[]}',
        '{"shape":[2,3],"permutation":[0,0]}',
        '{"shape":[2,3],"permutation":[2,1]}',
        '{"shape":[4294967296,4294967296]}',
    ],
)
def test_tensors_that_state_another_shape_are_refused(media_type: str, metadata: str) -> None:
    kind = pa.list_(pa.float32(), 6)
    stated = {
        "ARROW:extension:name": "arrow.fixed_shape_tensor",
        "ARROW:extension:metadata": metadata,
    }
    schema = pa.schema([pa.field("x", kind, metadata=stated), pa.field("y", pa.int8())])
    columns = [pa.array([[1.0] * 6] * 4, kind), pa.array([1, 2, 3, 4], pa.int8())]
    assert find_faults(media_type, pa.table(columns, schema=schema))


@pytest.mark.parametrize("media_type", [STREAM, FILE])
def test_a_list_of_nulls_takes_no_memory(media_type: str) -> None:
    most = 2**31 - 1
    fixed = pa.FixedSizeListArray.from_arrays(pa.nulls(most), most)
    long = pa.ListArray.from_arrays(pa.array([0, most], pa.int32()), pa.nulls(most))
    tracemalloc.start()
    (fault,) = find_faults(media_type, pa.table({"x": fixed}))
    assert "without a type" in fault.detail
    with pytest.raises(TooLarge):
        read_body(WRITERS[media_type](pa.table({"x": long})), media_type, limit=1 << 30)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e7


@pytest.mark.parametrize("media_type", [STREAM, FILE])
@pytest.mark.parametrize("kind", ["list", "fixed"])
def test_a_long_row_of_booleans_is_read_in_parts(
    media_type: str, kind: str, tmp_path: Path
) -> None:
    count = 1 << 24
    values = pa.array(np.arange(count) % 3 == 0)
    lists = pa.FixedSizeListArray.from_arrays(values, count)
    if kind == "list":
        lists = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), values)
    raw = WRITERS[media_type](pa.table({"x": lists}))
    tracemalloc.start()
    body = FORMATS[media_type].read(io.BytesIO(raw), tmp_path, 1 << 30, ReadOptions())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < count
    assert np.array_equal(
        load_array(body.columns[0].files["values"]).reshape(-1), np.asarray(values)
    )
