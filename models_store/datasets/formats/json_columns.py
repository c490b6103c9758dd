"""A dataset as JSON: `{"name"?, "columns": {"x": [[...]], "y": [...]}, "dtypes"?: {...}}`."""

from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import did_you_mean
from domain.pointer import pointer
from models_store.datasets.formats.body import (
    MOST_DATASET_NAME,
    Body,
    Source,
    check_rows,
    is_column_name,
)
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.format import Format
from models_store.datasets.formats.growing import GrowingColumn
from models_store.datasets.formats.json_events import BrokenValue, events, skip
from models_store.datasets.formats.json_rows import RowReader
from models_store.datasets.formats.npy import DTYPES

FIELDS = ("name", "columns", "dtypes")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["columns"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "maxLength": MOST_DATASET_NAME},
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
        self._stream = events(source)
        self._folder = folder
        self._faults = Faults()
        self._name: str | None = None
        self._dtypes: dict[str, np.dtype[Any]] = {}
        self._columns: dict[str, RowReader] = {}
        self._reading: RowReader | None = None

    def read(self) -> Body:
        try:
            self._read_body()
        except BrokenValue as broken:
            self._faults.stop(self._reading.here if self._reading else "", broken.detail)
        self._check_whole()
        written = [rows.finish(self._dtypes.get(name)) for name, rows in self._columns.items()]
        self._faults.check()
        return Body(self._name, [column for column in written if column is not None])

    def _read_body(self) -> None:
        event, _ = next(self._stream)
        if event != "start_map":
            self._faults.stop("", 'The body is an object like {"columns": {"x": [1, 2]}}.')
        seen: set[str] = set()
        for event, field in self._stream:
            if event == "end_map":
                continue  # nothing but space may follow, which the parser sees to
            if field in seen:
                self._pass_over(pointer(field), f"'{field}' is there twice.")
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
            self._pass_over(pointer(field), f"There is no field '{field}'.{near}")

    def _pass_over(self, place: str, detail: str) -> None:
        """Notes a fault, and leaves out the value it is about."""
        self._faults.add(place, detail)
        event, _ = next(self._stream)
        skip(self._stream, int(event.startswith("start_")))

    def _read_name(self) -> None:
        event, value = next(self._stream)
        if event == "string" and len(value) <= MOST_DATASET_NAME and "\0" not in value:
            self._name = value
        elif event != "null":
            detail = f"A name is text of at most {MOST_DATASET_NAME} characters, none U+0000."
            self._faults.add("/name", detail)
            skip(self._stream, int(event.startswith("start_")))

    def _read_dtypes(self) -> None:
        if not self._enters("start_map", "/dtypes", "`dtypes` is an object: column to dtype."):
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
        if not self._enters("start_map", "/columns", "`columns` is an object: name to rows."):
            return
        for event, name in self._stream:
            if event == "end_map":
                return
            if name in self._columns:
                self._pass_over(pointer("columns", name), f"Column '{name}' is there twice.")
            elif is_column_name(name, len(self._columns), self._faults):
                self._read_column(name)
            else:
                skip(self._stream, int(next(self._stream)[0].startswith("start_")))

    def _read_column(self, name: str) -> None:
        place = pointer("columns", name)
        if not self._enters("start_array", place, "A column is a list of rows."):
            return
        path = self._folder / f"{len(self._columns)}.npy"
        column = GrowingColumn(path, self._dtypes.get(name))
        self._reading = RowReader(name, self._stream, column, self._faults)
        self._columns[name] = self._reading
        self._reading.read()
        self._reading = None

    def _enters(self, expected: str, place: str, detail: str) -> bool:
        event, _ = next(self._stream)
        if event != expected:
            self._faults.add(place, detail)
            skip(self._stream, int(event.startswith("start_")))
        return event == expected

    def _check_whole(self) -> None:
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
