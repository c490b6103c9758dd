"""Items that are parsed as arrays give the same columns and faults as items parsed by events."""

import io
import json
import re
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.dataset import Column
from domain.errors import Invalid, NotJson
from models_store.datasets.columns.read import load_array
from models_store.datasets.formats.json import columns as json_columns
from models_store.datasets.formats.json import events as json_events
from models_store.datasets.formats.json.events import Event, EventStream
from models_store.datasets.formats.json.items import parse_items

INTEGERS = ["0", "-0", "7", "-1", "127", "300", str(2**53 + 1), str(2**63 - 1), str(-(2**63))]
LARGE = [str(2**63), str(2**64 - 1), str(2**64), str(-(2**63) - 1), str(10**30)]
FLOATS = [
    "0.0", "-0.0", "0.1", "1.0", "-2.5e0", "1E5", "1e-7", "4.9e-324", "1e-400", "2.5e-324",
    "1.7976931348623157e308", "9007199254740993.0", "0.30000000000000004", "1e22", "123456789e20",
    "179769313486231580793728971405301e276", "7.2057594037927933e16", "2.2250738585072011e-308",
]  # fmt: skip
BOOLEANS = ["true", "false"]
TEXTS = ['"a"', '""', '"[1, 2]"', '"\\u00e9]"', '"null"']
VALID_KINDS = [INTEGERS, FLOATS, [*INTEGERS, *FLOATS], BOOLEANS]
VALID_KINDS += [[*kind, "null", "null"] for kind in VALID_KINDS] + [TEXTS, [*TEXTS, "null"]]
KINDS = [*VALID_KINDS, [*INTEGERS, *LARGE], [*INTEGERS, *LARGE, *FLOATS, "null"]]
DTYPES = ["", "", '"x0": "float32"', '"x0": "uint64"', '"x0": "bfloat16"', '"x0": "string"']
SHAPES = ["", '"x0": [null]', '"x0": [null, 2]', '"x0": [2]', '"x0": []']
WRONG = [
    "null", '"a"', '"[1,2"', "NaN", "-Infinity", "1e400", "-1e400", "{}", '{"a": [1]}', "[1]", "[]",
    "[[2],[3]]", "01", "1.", ".5", "-", "", "tru", "1 2", "1]", "[1", "1,", "true", "0.5", "1",
    "1e99999999999999999999", "1e-99999999999999999999", "7" * 5000, "\x0b1", "1\x00", "é", "1}",
]  # fmt: skip
GAPS = ["", " ", "\n", "\t\r\n  "]


@st.composite
def bodies(draw: st.DrawFn, is_valid: bool = False) -> bytes:
    """Draws a JSON body with up to three columns, of which one value may be damaged.

    Args:
        draw: Draws from a strategy.
        is_valid: Whether all other values fit their columns.
    """
    gaps = cycle(draw(st.lists(st.sampled_from(GAPS), min_size=1, max_size=3)))
    rows = draw(st.integers(1, 12))
    columns = []
    for index in range(draw(st.integers(1, 3))):
        shape = draw(st.lists(st.integers(1, 3), max_size=3))
        ragged = bool(shape) and not is_valid and draw(st.booleans())
        kind = draw(st.sampled_from(VALID_KINDS if is_valid else KINDS))
        values = cycle(draw(st.lists(st.sampled_from(kind), min_size=1, max_size=9)))
        lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)) if ragged else []
        text = write_list([rows, *shape], values, gaps, lengths)
        columns.append(f'"x{index}"{next(gaps)}:{next(gaps)}{text}')
    dtype = draw(st.sampled_from([""] if is_valid else DTYPES))
    declared = draw(st.sampled_from([""] if is_valid else SHAPES))
    parts = [f'"columns": {{{", ".join(columns)}}}', f'"dtypes": {{{dtype}}}']
    parts += [f'"shapes": {{{declared}}}']
    body = "{" + ",".join(draw(st.permutations(parts))) + "}"
    return damage(draw, body).encode()


def write_list(
    shape: list[int], values: Iterator[str], gaps: Iterator[str], lengths: list[int]
) -> str:
    """Writes a nested list of a shape, or a value; `lengths` are those of rows that differ."""
    if not shape:
        return next(values)
    shapes = [[length, *shape[2:]] for length in lengths] or [shape[1:]]
    items = [write_list(shapes[row % len(shapes)], values, gaps, []) for row in range(shape[0])]
    text = "".join(f"{next(gaps)}{item}{next(gaps)}," for item in items)
    return f"[{text.removesuffix(',')}]"


def damage(draw: st.DrawFn, body: str) -> str:
    """Replaces one value of a body by a wrong one, or leaves the body as it is."""
    places = [i for i, character in enumerate(body) if character in ",]"]
    end = draw(st.sampled_from(places))
    start = max(body.rfind(mark, 0, end) for mark in ",[:") + 1
    wrong = draw(st.none() | st.sampled_from(WRONG))
    return body if wrong is None else body[:start] + wrong + body[end:]


@contextmanager
def reading(block_bytes: int, by_event: bool) -> Iterator[None]:
    """Sets the size of the blocks, and whether arrays are left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_events, "BLOCK_BYTES", block_bytes)
        if by_event:
            patch.setattr(EventStream, "begins_item", False)
            patch.setattr(json_events, "SHORT_PIECES", -100)
        yield


def without_moments(column: Column) -> Column:
    """Drops the statistics whose last bits depend on the blocks in which values arrive."""
    return column.model_copy(update={"mean": None, "std": None})


def describe(raw: bytes, block_bytes: int = 1 << 18, by_event: bool = False) -> Any:
    """Returns all that reading a body gives: the arrays, or the faults."""
    with TemporaryDirectory() as folder, reading(block_bytes, by_event):
        try:
            body = json_columns.read(io.BytesIO(raw), Path(folder), limit=1 << 30)
        except NotJson as error:
            return error.detail
        except Invalid as error:
            return error.faults
        return [
            (
                without_moments(file.column),
                file.rows,
                b"".join(load_array(array).tobytes() for _, array in sorted(file.files.items())),
            )
            for file in body.columns
        ]


@settings(max_examples=200, deadline=None)
@given(bodies())
@example(b'{"columns": {"x": [1,2,]}}')
@example(b'{"columns": {"x": [[1,2],]}}')
@example(b'{"columns": {"x": [,1]}}')
@example(b'{"columns": {"x": [1[,2]]}}')
@example(b'{"columns": {"x": [1, ": [2,3"]}}')
@example(b'{"columns": {"x[": [1, 2], "[": [3, 4]}}')
def test_arrays_give_what_events_give(raw: bytes) -> None:
    assert without_line(describe(raw)) == without_line(describe(raw, by_event=True))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(bodies(is_valid=True), st.integers(8, 200))
@example(b'{"columns": {"x0":[[0],[-Infinity]]},"dtypes": {}}', 8)
@example(b'{"columns": {"x0": [[[1], [127 ,       \xc3\xa9], [127]]], "x1": [0]}}', 8)
def test_small_blocks_give_what_events_give(raw: bytes, block_bytes: int) -> None:
    found, expected = describe(raw, block_bytes), describe(raw, by_event=True)
    assert without_line(found) == without_line(expected)


def without_line(result: Any) -> Any:
    """Removes the line and column of a syntax error, which depend on the length of its excerpt."""
    return (
        re.sub(r"near line \d+, column \d+", "near", result) if isinstance(result, str) else result
    )


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("shape", [(4000,), (300, 7), (3, 5000), (2, 3, 700, 2), (50, 8, 8, 3)])
@pytest.mark.parametrize("block_bytes", [1 << 10, 1 << 18])
def test_every_value_is_taken_as_part_of_an_array(
    shape: tuple[int, ...], indent: int | None, block_bytes: int
) -> None:
    values = np.random.default_rng(3).random(shape) - 0.5
    raw = json.dumps({"columns": {"x": values.tolist()}}, indent=indent).encode()
    events: list[str] = []
    following = EventStream.__next__

    def follow(stream: EventStream) -> Event:
        event = following(stream)
        events.append(event[0])
        return event

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventStream, "__next__", follow)
        ((_, rows, written),) = describe(raw, block_bytes)
    assert rows == shape[0]
    assert written.endswith(values.tobytes())
    assert "number" not in events


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        (b"1,2", "int64"), (b"-0,5", "int64"), (b"1,18446744073709551615", "uint64"),
        (b"1,9223372036854775808,0.5", "float64"), (b"true,false", "bool"), (b"[1],[2]", "int64"),
        (b"-9223372036854775808,9223372036854775807", "int64"),
    ],
)  # fmt: skip
def test_items_are_exact(text: bytes, dtype: str) -> None:
    items = parse_items(text)
    assert items is not None
    assert items.dtype == dtype
    assert items.tolist() == np.array(json.loads(b"[%b]" % text), dtype).tolist()


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"1,", b",1", b"1,true", b"true,null", b"null", b"1.5,{}", b'1,"a"', b"[1],2",
        b"[1],[2,3]", b"18446744073709551616", b"-1,9223372036854775808", b"1e400", b"NaN,1",
        b"-9223372036854775809", b"1.5,1e-99999999999999999999",
    ],
)  # fmt: skip
def test_items_that_need_events_give_no_array(text: bytes) -> None:
    assert parse_items(text) is None


def test_a_byte_order_mark_is_passed_over() -> None:
    raw = b'{"columns": {"x": [1, 2]}}'
    assert describe(b"\xef\xbb\xbf" + raw) == describe(raw)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_by_name(encoding: str) -> None:
    detail = describe('{"columns": {"x": [1, 2]}}'.encode(encoding))
    assert detail == "The body is UTF-16; JSON is sent as UTF-8."


def measure_peak(folder: Path, values: np.ndarray[Any, Any]) -> int:
    """Returns the most bytes that are allocated at once while a column is read."""
    source = io.BytesIO(json.dumps({"columns": {"x": values.tolist()}}).encode())
    folder.mkdir()
    tracemalloc.start()
    body = json_columns.read(source, folder, limit=1 << 30)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.array_equal(load_array(body.columns[0].files["values"]), values)
    return peak


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(300_000,), (30_000, 10), (2, 150_000), (10, 224, 224)])
@pytest.mark.parametrize("kind", ["float", "integer"])
def test_memory_does_not_grow_with_the_arrays(
    tmp_path: Path, shape: tuple[int, ...], kind: str
) -> None:
    random = np.random.default_rng(1)
    values = random.random(shape) if kind == "float" else random.integers(0, 10, shape)
    usual = measure_peak(tmp_path / "one", values)
    four = measure_peak(tmp_path / "four", np.concatenate([values] * 4))
    assert four < 1.2 * usual
    assert usual < 10 << 20
