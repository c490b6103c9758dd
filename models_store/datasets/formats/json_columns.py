"""The JSON format: `{"name"?, "columns": {"x": [[...]], "y": [...]}, "dtypes"?: {...}}`."""

from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import did_you_mean
from domain.pointer import pointer
from models_store.datasets.formats.body import (
    MAX_DATASET_NAME_LENGTH,
    Body,
    Source,
    check_column_name,
    check_rows,
)
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.format import Format
from models_store.datasets.formats.growing import GrowingColumn
from models_store.datasets.formats.json_events import InvalidNumber, parse_events, skip
from models_store.datasets.formats.json_rows import RowReader
from models_store.datasets.formats.npy import DTYPES

FIELDS = ("name", "columns", "dtypes")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["columns"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "maxLength": MAX_DATASET_NAME_LENGTH},
        "columns": {
            "type": "object",
            "description": "Each column by name: a list of rows, each a number, a "
            "boolean, or equally shaped nested lists of them.",
            "minProperties": 1,
            "additionalProperties": {"type": "array", "minItems": 1},
        },
        "dtypes": {
            "type": "object",
            "description": "Left out: int64, float64 or bool, by the values.",
            "additionalProperties": {"type": "string", "enum": list(DTYPES)},
        },
    },
}


def read(source: Source, folder: Path, limit: int) -> Body:
    """Reads a JSON body into `.npy` files, one block at a time.

    Args:
        source: The body.
        folder: An empty folder for the files.
        limit: Unused: the size of a JSON text bounds the size of its arrays.

    Raises:
        NotJson: The body is not JSON.
        Invalid: Lists every fault found before reading had to stop.
    """
    return _Reader(source, folder).read()


class _Reader:
    def __init__(self, source: Source, folder: Path) -> None:
        self._stream = parse_events(source)
        self._folder = folder
        self._faults = Faults()
        self._name: str | None = None
        self._dtypes: dict[str, np.dtype[Any]] = {}
        self._columns: dict[str, RowReader] = {}
        self._current: RowReader | None = None

    def read(self) -> Body:
        try:
            self._read_body()
        except InvalidNumber as invalid:
            self._faults.stop(self._current.position if self._current else "", invalid.detail)
        self._check_columns()
        files = [rows.finish(self._dtypes.get(name)) for name, rows in self._columns.items()]
        self._faults.check()
        return Body(self._name, [file for file in files if file is not None])

    def _read_body(self) -> None:
        event, _ = next(self._stream)
        if event != "start_map":
            self._faults.stop("", 'The body is an object like {"columns": {"x": [1, 2]}}.')
        seen: set[str] = set()
        for event, field in self._stream:
            if event == "end_map":
                continue  # the parser raises if anything but white space follows
            if field in seen:
                self._skip_value(pointer(field), f"'{field}' appears twice.")
            else:
                self._read_field(field)
            seen.add(field)

    def _read_field(self, field: str) -> None:
        if field == "name":
            self._read_name()
        elif field == "columns":
            self._read_columns()
        elif field == "dtypes":
            self._read_dtypes()
        else:
            near = did_you_mean(field, FIELDS)
            self._skip_value(pointer(field), f"There is no field '{field}'.{near}")

    def _skip_value(self, place: str, detail: str) -> None:
        """Adds a fault and skips the next value."""
        self._faults.add(place, detail)
        event, _ = next(self._stream)
        skip(self._stream, int(event.startswith("start_")))

    def _read_name(self) -> None:
        event, value = next(self._stream)
        if event == "string" and len(value) <= MAX_DATASET_NAME_LENGTH and "\0" not in value:
            self._name = value
        elif event != "null":
            detail = f"A name is text, at most {MAX_DATASET_NAME_LENGTH} characters, no U+0000."
            self._faults.add("/name", detail)
            skip(self._stream, int(event.startswith("start_")))

    def _read_dtypes(self) -> None:
        if not self._begins("start_map", "/dtypes", "`dtypes` is an object of dtypes by column."):
            return
        for event, name in self._stream:
            if event == "end_map":
                return
            kind, dtype = next(self._stream)
            if kind == "string" and dtype in DTYPES:
                self._dtypes[name] = np.dtype(dtype)
            else:
                self._refuse_dtype(name, kind, dtype)

    def _refuse_dtype(self, name: str, event: str, dtype: Any) -> None:
        near = did_you_mean(dtype, DTYPES) if event == "string" else ""
        detail = f"A column's dtype is one of {', '.join(DTYPES)}.{near}"
        self._faults.add(pointer("dtypes", name), detail)
        skip(self._stream, int(event.startswith("start_")))

    def _read_columns(self) -> None:
        if not self._begins("start_map", "/columns", "`columns` is an object of rows by column."):
            return
        for event, name in self._stream:
            if event == "end_map":
                return
            if name in self._columns:
                self._skip_value(pointer("columns", name), f"Column '{name}' appears twice.")
            elif check_column_name(name, len(self._columns), self._faults):
                self._read_column(name)
            else:
                skip(self._stream, int(next(self._stream)[0].startswith("start_")))

    def _read_column(self, name: str) -> None:
        place = pointer("columns", name)
        if not self._begins("start_array", place, "A column is a list of rows."):
            return
        path = self._folder / f"{len(self._columns)}.npy"
        column = GrowingColumn(path, self._dtypes.get(name))
        self._current = RowReader(name, self._stream, column, self._faults)
        self._columns[name] = self._current
        self._current.read()
        self._current = None

    def _begins(self, expected: str, place: str, detail: str) -> bool:
        """Whether the next event is `expected`; if not, adds a fault and skips the value."""
        event, _ = next(self._stream)
        if event != expected:
            self._faults.add(place, detail)
            skip(self._stream, int(event.startswith("start_")))
        return event == expected

    def _check_columns(self) -> None:
        if not self._columns and not self._faults:
            self._faults.add("/columns", "A dataset has at least one column.")
        check_rows({name: rows.rows for name, rows in self._columns.items()}, self._faults)
        for name in self._dtypes.keys() - self._columns.keys():
            near = did_you_mean(name, self._columns)
            self._faults.add(pointer("dtypes", name), f"There is no column '{name}'.{near}")


FORMAT = Format(
    media_type="application/json",
    schema=SCHEMA,
    read=read,
    example={"columns": {"x": [[0.5, 1.5], [2.5, 3.5]], "y": [0, 1]}},
)
