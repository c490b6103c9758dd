"""The format NDJSON: one JSON object a line, each a row."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domain.errors import NotJson
from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from domain.json.pointer import pointer
from domain.json.text import START_BYTES, explain_other_encoding, skip_byte_order_mark
from models_store.datasets.formats.body import Body, Source
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.format import Format
from models_store.datasets.formats.json.escapes import EscapeScanner
from models_store.datasets.formats.json.events import HALF_CHARACTER, NO_NUMBER, TOO_LONG
from models_store.datasets.formats.json.records import RecordTable, Row
from models_store.datasets.formats.json.rows import Declared

BLOCK_BYTES = 1 << 18
MOST_LINE_BYTES = 16 << 20
"""The longest line, which is in memory whole."""
EXPECTED = 'Each line is an object like {"age": 3, "town": "Ulm"}'


class _BadLine(Exception):
    """A line is no object."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def read(source: Source, folder: Path, limit: int, options: ReadOptions = DEFAULT_OPTIONS) -> Body:
    """Reads lines of JSON into columns, one block at a time.

    Args:
        source: The body.
        folder: An empty folder for the files.
        limit: Upper bound on the bytes of missing values.
        options: Dtypes, and shapes of rows.

    Raises:
        NotJson: The body is UTF-16 or UTF-32.
        Invalid: Lists the faults of the rows before reading had to stop.
        TooLarge: The missing values exceed `limit`.
    """
    faults = Faults()
    table = RecordTable(folder, faults, _locate, limit, _declare(options))
    for lines in _read_lines(source, faults):
        table.append(_parse_lines(lines, table.rows, faults))
    if not table.rows:
        faults.stop("", f"The body has no rows. {EXPECTED}.")
    if not table.columns and not faults:
        faults.stop("", f"No row has a key. {EXPECTED}.")
    files = table.finish({})
    for name in {**options.dtype, **options.shape}.keys() - table.columns.keys():
        faults.add(pointer("options", "dtype", name), f"No row has the key '{name}'.")
    faults.check()
    return Body(None, files)


def _declare(options: ReadOptions) -> dict[str, Declared]:
    names = {**options.dtype, **options.shape}
    shapes = {name: tuple(shape) for name, shape in options.shape.items()}
    return {name: Declared(options.dtype.get(name), shapes.get(name)) for name in names}


def _locate(row: int, *steps: str | int) -> str:
    """Returns the JSON Pointer of a value: the body is taken for a list of rows."""
    return pointer(row, *steps)


def _read_lines(source: Source, faults: Faults) -> Iterator[list[bytes]]:
    """Yields complete lines, those of a block at a time."""
    rest = _read_start(source)
    rows = 0
    while block := source.read(BLOCK_BYTES):
        *lines, rest = (rest + block).split(b"\n") if b"\n" in block else [rest + block]
        rows += len(lines)
        if lines:
            yield lines
        if len(rest) > MOST_LINE_BYTES:
            detail = f"Line {rows + 1} is longer than {MOST_LINE_BYTES} bytes."
            faults.stop(pointer(rows), detail)
    lines = rest.split(b"\n")
    yield lines if lines[-1].strip() else lines[:-1]


def _read_start(source: Source) -> bytes:
    """Reads the first bytes, without a mark of their encoding."""
    start = b""
    while len(start) < START_BYTES and (block := source.read(BLOCK_BYTES)):
        start += block
    if (encoding := explain_other_encoding(start)) is not None:
        raise NotJson(encoding)
    return bytes(skip_byte_order_mark(start))


def _parse_lines(lines: list[bytes], first: int, faults: Faults) -> list[Row]:
    rows: list[Row] = []
    for number, line in enumerate(lines, first):
        try:
            rows.append(_parse(line))
        except _BadLine as bad:
            faults.add(pointer(number), f"Line {number + 1} {bad.detail}")
            rows.append({})
    return rows


def _parse(line: bytes) -> Row:
    """Parses a line.

    Raises:
        _BadLine: It is no object; the detail is a predicate.
    """
    try:
        value = _DECODER.decode(line.decode())
    except UnicodeDecodeError as error:
        raise _BadLine(f"is not UTF-8, at byte {error.start + 1}.") from None
    except json.JSONDecodeError as error:
        raise _BadLine(_describe(line, error)) from None
    except RecursionError:
        raise _BadLine("has lists or objects that are nested too deep.") from None
    except ValueError:  # an integer with thousands of digits
        raise _BadLine(f"has a number that cannot be read. {TOO_LONG}") from None
    if not isinstance(value, dict):
        raise _BadLine(f"is no object. {EXPECTED}.")
    if b"\\" in line and _has_half_character(line):
        raise _BadLine(f"cannot be stored: {HALF_CHARACTER}")
    return value


def _describe(line: bytes, error: json.JSONDecodeError) -> str:
    if not line.strip():
        return f"is empty. {EXPECTED}."
    return f"is not JSON, near column {error.colno}: {error.msg}. {EXPECTED}."


def _has_half_character(line: bytes) -> bool:
    scanner = EscapeScanner()
    found = scanner.find_half_character(line)
    return (scanner.find_at_end() if found is None else found) is not None


def _make_object(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _BadLine(f"has the key '{twice}' twice.")
    return row


def _refuse_constant(text: str) -> float:
    raise _BadLine(f"has {text}. {NO_NUMBER}")


_DECODER = json.JSONDecoder(object_pairs_hook=_make_object, parse_constant=_refuse_constant)

FORMAT = Format(
    media_type="application/x-ndjson",
    schema={
        "type": "string",
        "format": "binary",
        "description": "One JSON object a line, each a row. Keys may be missing in a row.",
    },
    read=read,
    example='{"age": 3, "town": "Ulm"}\n{"age": 4}\n',
    options=("dtype", "shape"),
    takes_ragged=True,
)
