"""The JSON format: `{"name"?, "columns": {"x": [...]}, "dtypes"?, "shapes"?}`, or with `rows`.

`{"rows": [{"age": 3, "town": "Ulm"}, ...]}` has an object for each row in place of `columns`.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from domain.dtype import DTYPES
from domain.errors import clip, did_you_mean
from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from domain.json.pointer import pointer
from models_store.datasets.columns.classes import CountingBound
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.columns.npy import MAX_AXES
from models_store.datasets.formats.body import (
    MAX_COLUMN_NAME_LENGTH,
    MAX_COLUMNS,
    MAX_DATASET_NAME_LENGTH,
    Body,
    Source,
    check_column_name,
    check_rows,
)
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.format import Format
from models_store.datasets.formats.json.events import EventStream, InvalidNumber
from models_store.datasets.formats.json.growing import GrowingColumn
from models_store.datasets.formats.json.objects import EXPECTED, ObjectReader, locate
from models_store.datasets.formats.json.records import RecordTable
from models_store.datasets.formats.json.rows import Declared, RowReader, Shape

FIELDS = ("name", "columns", "rows", "dtypes", "shapes")
SHAPE = (
    f"A shape is a list of up to {MAX_AXES - 1} numbers of 1 or more; the first may be null, for "
    "rows that differ in length."
)
SCHEMA: dict[str, Any] = {
    "title": "DatasetRequest",
    "description": "A dataset written out, as `columns` or as `rows`.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": {"type": ["string", "null"], "maxLength": MAX_DATASET_NAME_LENGTH},
        "columns": {
            "type": "object",
            "description": "Each column by name: a list of rows, each a number, a "
            "boolean, text, or equally shaped nested lists of them; null is a missing value.",
            "minProperties": 1,
            "additionalProperties": {"type": "array", "items": {}, "minItems": 1},
        },
        "rows": {
            "type": "array",
            "description": "Each row as an object of values by column. A value is a number, a "
            "boolean, text, or equally shaped nested lists of them. A key that a row lacks is a "
            "missing value, as null is.",
            "minItems": 1,
            "items": {"type": "object"},
        },
        "dtypes": {
            "type": "object",
            "description": "Left out: int64, float64, bool or string, by the values.",
            "additionalProperties": {"type": "string", "enum": list(DTYPES)},
        },
        "shapes": {
            "type": "object",
            "description": "The shape of a row, by column. If its first number is null, the rows "
            "differ in length. Left out: by the values, which then have equal lengths.",
            "additionalProperties": {
                "type": "array",
                "items": {"type": ["integer", "null"], "minimum": 1, "format": "int64"},
                "maxItems": MAX_AXES - 1,
            },
        },
    },
}


def read(source: Source, folder: Path, limit: int, options: ReadOptions = DEFAULT_OPTIONS) -> Body:
    """Reads a JSON body into `.npy` files, one block at a time.

    Args:
        source: The body.
        folder: An empty folder for the files.
        limit: Upper bound on the bytes of values that rows lack. The size of a JSON text bounds
            that of other arrays.
        options: Unused: the body itself has the dtypes.

    Raises:
        NotJson: The body is not JSON.
        Invalid: Lists every fault found before reading had to stop.
        TooLarge: The missing values exceed `limit`.
    """
    return _Reader(source, folder, limit).read()


class _Reader:
    def __init__(self, source: Source, folder: Path, limit: int) -> None:
        self._stream = EventStream(source)
        self._folder = folder
        self._limit = limit
        self._faults = Faults()
        self._name: str | None = None
        self._dtypes: dict[str, str] = {}
        self._shapes: dict[str, Shape] = {}
        self._columns: dict[str, RowReader] = {}
        self._table: RecordTable | None = None
        self._current: RowReader | ObjectReader | None = None
        self._class_bound = CountingBound()

    def read(self) -> Body:
        try:
            self._read_body()
        except InvalidNumber as invalid:
            self._faults.stop(self._current.position if self._current else "", invalid.detail)
        files = self._finish_columns() if self._table is None else self._finish_rows(self._table)
        self._faults.check()
        return Body(self._name, files)

    def _finish_columns(self) -> list[ColumnFile]:
        files = [
            rows.finish(self._dtypes.get(name), self._shapes.get(name))
            for name, rows in self._columns.items()
        ]
        self._check_columns()
        return [file for file in files if file is not None]

    def _finish_rows(self, table: RecordTable) -> list[ColumnFile]:
        if self._columns:
            self._faults.add("/rows", "A dataset has either `columns` or `rows`.")
        elif not table.columns and not self._faults:
            self._faults.add("/rows", f"A dataset has rows with at least one key. {EXPECTED}.")
        self._check_names(table.columns)
        files = table.finish(self._dtypes)
        for file in files:
            shape = self._shapes.get(file.column.name)
            if shape is not None and list(shape) != file.column.shape:
                detail = f"A row has the shape {file.column.shape}; send `shapes` before `rows`."
                self._faults.add(pointer("shapes", file.column.name), detail)
        return files

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
        elif field == "rows":
            self._read_rows()
        elif field == "dtypes":
            self._read_dtypes()
        elif field == "shapes":
            self._read_shapes()
        else:
            near = did_you_mean(field, FIELDS)
            self._skip_value(pointer(field), f"There is no field '{field}'.{near}")

    def _skip_value(self, place: str, detail: str) -> None:
        """Adds a fault and skips the next value."""
        self._faults.add(place, detail)
        event, _ = next(self._stream)
        self._stream.skip(int(event.startswith("start_")))

    def _read_name(self) -> None:
        event, value = next(self._stream)
        if event == "string" and len(value) <= MAX_DATASET_NAME_LENGTH and "\0" not in value:
            self._name = value
        elif event != "null":
            detail = f"A name is text, at most {MAX_DATASET_NAME_LENGTH} characters, no U+0000."
            self._faults.add("/name", detail)
            self._stream.skip(int(event.startswith("start_")))

    def _read_dtypes(self) -> None:
        for name in self._read_entries("dtypes", "`dtypes` is an object of dtypes by column."):
            kind, dtype = next(self._stream)
            if kind == "string" and dtype in DTYPES:
                self._dtypes[name] = dtype
            else:
                self._refuse_dtype(name, kind, dtype)

    def _read_shapes(self) -> None:
        for name in self._read_entries("shapes", "`shapes` is an object of shapes by column."):
            shape = self._read_shape()
            if shape is None:
                self._faults.add(pointer("shapes", name), SHAPE)
            else:
                self._shapes[name] = shape

    def _read_shape(self) -> Shape | None:
        """Reads a shape; returns None if it is none."""
        event, _ = next(self._stream)
        if event != "start_array":
            self._stream.skip(int(event.startswith("start_")))
            return None
        axes: list[Any] = []
        for event, value in self._stream:
            if event == "end_array":
                break
            if len(axes) < MAX_AXES:  # a longer shape is refused
                axes.append(value if event in ("number", "null") else "")
            self._stream.skip(int(event.startswith("start_")))
        is_valid = all(
            (axis is None and not place) or (type(axis) is int and axis >= 1)
            for place, axis in enumerate(axes)
        )
        return tuple(axes) if is_valid and len(axes) < MAX_AXES else None

    def _read_entries(self, field: str, detail: str) -> Iterator[str]:
        """Yields the columns that an object names once; the caller reads the value of each."""
        if not self._begins("start_map", pointer(field), detail):
            return
        seen: set[str] = set()
        for event, name in self._stream:
            if event == "end_map":
                return
            if name in seen:
                self._skip_value(pointer(field, name), f"'{clip(name)}' appears twice.")
                continue
            if len(name) > MAX_COLUMN_NAME_LENGTH:
                self._skip_value(pointer(field, name), f"There is no column '{clip(name)}'.")
                continue
            if len(seen) >= MAX_COLUMNS:
                self._faults.stop(pointer(field), f"A dataset has at most {MAX_COLUMNS} columns.")
            seen.add(name)
            yield name

    def _refuse_dtype(self, name: str, event: str, dtype: Any) -> None:
        near = did_you_mean(dtype, DTYPES) if event == "string" else ""
        detail = f"A column's dtype is one of {', '.join(DTYPES)}.{near}"
        self._faults.add(pointer("dtypes", name), detail)
        self._stream.skip(int(event.startswith("start_")))

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
                self._stream.skip(int(next(self._stream)[0].startswith("start_")))

    def _read_rows(self) -> None:
        if not self._begins("start_array", "/rows", "`rows` is a list of objects."):
            return
        names = {**self._dtypes, **self._shapes}
        declared = {
            name: Declared(self._dtypes.get(name), self._shapes.get(name)) for name in names
        }
        folder = self._folder / "rows"
        folder.mkdir()
        self._table = RecordTable(folder, self._faults, locate, self._limit, declared)
        self._current = reader = ObjectReader(self._stream, self._faults)
        for rows in reader.read_batches():
            self._table.append(rows)
        self._current = None

    def _read_column(self, name: str) -> None:
        place = pointer("columns", name)
        if not self._begins("start_array", place, "A column is a list of rows."):
            return
        path = self._folder / f"{len(self._columns)}.npy"
        declared = Declared(self._dtypes.get(name), self._shapes.get(name))
        column = GrowingColumn(path, declared.dtype)
        self._current = RowReader(name, self._stream, column, self._faults, declared)
        self._columns[name] = self._current
        self._current.read()
        self._current = None
        counting = (rows.counting for rows in self._columns.values())
        self._class_bound.add(column.class_size.classes, counting)

    def _begins(self, expected: str, place: str, detail: str) -> bool:
        """Whether the next event is `expected`; if not, adds a fault and skips the value."""
        event, _ = next(self._stream)
        if event != expected:
            self._faults.add(place, detail)
            self._stream.skip(int(event.startswith("start_")))
        return event == expected

    def _check_columns(self) -> None:
        if not self._columns and not self._faults:
            self._faults.add("/columns", "A dataset has at least one column.")
        check_rows({name: rows.rows for name, rows in self._columns.items()}, self._faults)
        self._check_names(self._columns)

    def _check_names(self, columns: Collection[str]) -> None:
        """Checks that `dtypes` and `shapes` name columns."""
        for field, names in (("dtypes", self._dtypes), ("shapes", self._shapes)):
            for name in (name for name in names if name not in columns):
                near = did_you_mean(name, columns)
                self._faults.add(pointer(field, name), f"There is no column '{name}'.{near}")


FORMAT = Format(
    media_type="application/json",
    schema=SCHEMA,
    read=read,
    example={
        "name": "six irises",
        "columns": {
            "measures": [
                [5.1, 3.5, 1.4, 0.2],
                [7.0, 3.2, 4.7, 1.4],
                [6.3, 3.3, 6.0, 2.5],
                [4.9, 3.0, 1.4, 0.2],
                [6.4, 3.2, 4.5, 1.5],
                [5.8, 2.7, 5.1, 1.9],
            ],
            "species": [0, 1, 2, 0, 1, 2],
        },
    },
)
