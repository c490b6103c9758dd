"""Columns of rows that are objects: `{"age": 3, "town": "Ulm"}`."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import TooLarge
from models_store.datasets.columns.classes import Counting, CountingBound
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.columns.npy import MAX_AXES
from models_store.datasets.columns.numbers import InvalidValue
from models_store.datasets.formats.body import MAX_COLUMN_NAME_LENGTH, check_column_name
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.json.growing import GrowingColumn, Value
from models_store.datasets.formats.json.rows import MOST_COLUMN_FAULTS, Declared, Shape

Row = dict[str, Any]
Report = Callable[[int, Sequence[str | int], str], None]
"""Adds a fault: the row, the steps to the value inside the row, and the detail."""
MISSING_BYTES = 9
"""Bytes of a missing number, with its mask."""
MOST_VALUES = 1 << 18
"""Values of a column that are in memory at once, unless a row has more."""
_KIND_NAMES = {str: "text", dict: "an object", list: "a list", bool: "true or false"}
RAGGED = "A row of differing length cannot be missing; send an empty list."


class _BadValue(Exception):
    """A value of a row is malformed or differs in shape from the rows before."""

    def __init__(self, detail: str, steps: tuple[int, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.steps = steps


class Budget:
    """A number of bytes that missing values may take, which the body does not have."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit

    def take(self, values: int) -> None:
        """Takes the bytes of missing values.

        Raises:
            TooLarge: Not enough bytes are left.
        """
        self._left -= values * MISSING_BYTES
        if self._left < 0:
            raise TooLarge(f"The missing values of the rows take more than {self._limit} bytes.")


class RecordColumn:
    """The values of one name in rows that are objects."""

    def __init__(
        self,
        name: str,
        column: GrowingColumn,
        rows: int,
        declared: Declared,
        report: Report,
        budget: Budget,
    ) -> None:
        """Starts after some rows.

        Args:
            name: The name of the column.
            column: Writes the values.
            rows: The number of rows before the first that has this name.
            declared: What the client says of the column.
            report: Adds a fault.
            budget: The bytes of missing values of all columns.
        """
        self._name = name
        self._column = column
        self._leading = rows
        """Rows at the beginning that are missing, while the shape of a row is unknown."""
        self._report = report
        self._budget = budget
        self._rows = rows
        self._shape: Shape | None = None
        self._fault_count = 0
        if declared.shape is not None:
            self._begin(declared.shape)

    @property
    def counting(self) -> Counting:
        """The column, whose classes are counted."""
        return self._column

    def append(self, values: list[Any]) -> None:
        """Appends the values of some rows; None where one is missing."""
        if self._shape is None and not self._learn_shape(values):
            self._rows += len(values)
            self._leading += len(values)
            return
        step = max(1, MOST_VALUES // self._size())
        for start in range(0, len(values), step):
            if self._fault_count < MOST_COLUMN_FAULTS:
                self._append_some(self._rows, values[start : start + step])
            self._rows += len(values[start : start + step])

    def _append_some(self, first: int, values: list[Any]) -> None:
        flat, lengths = self._flatten(first, values)
        if self._fault_count:
            return
        try:
            self._column.append(flat)
        except InvalidValue as invalid:
            self._refuse_flat(first, invalid, lengths)
        if lengths is not None and not self._fault_count:
            self._column.append_lengths(np.array(lengths, np.int64))

    def _begin(self, shape: Shape) -> None:
        """Sets the shape of a row, and appends the rows that are missing so far."""
        self._shape = shape
        self._column.counts_values = not shape
        leading, self._leading = self._leading, 0
        if shape and shape[0] is None:
            if leading:
                self._refuse(0, (), RAGGED)
            return
        self._budget.take(leading * self._size())
        self._column.append_missing(leading * self._size())

    def _size(self) -> int:
        """Returns the number of values of a row, or of an item of rows that differ in length."""
        return math.prod(axis for axis in self._shape or () if axis is not None)

    def _learn_shape(self, values: list[Any]) -> bool:
        """Learns the shape of a row from the first one. Returns False if all are missing."""
        for row, value in enumerate(values, self._rows):
            if value is not None:
                try:
                    self._begin(_find_shape(value))
                except _BadValue as bad:
                    self._refuse(row, bad.steps, bad.detail)
                    self._shape, self._fault_count = (), MOST_COLUMN_FAULTS
                return True
        return False

    def _flatten(
        self, first: int, values: list[Any]
    ) -> tuple[Sequence[Value], Sequence[int] | None]:
        """Returns the values of all rows, and the lengths of rows that differ in length."""
        shape = self._shape or ()
        if not shape and not set(map(type, values)) & {list, dict}:
            self._budget.take(values.count(None))
            return values, None
        flat: list[Value] = []
        for row, value in enumerate(values, first):
            try:
                self._collect_row(value, shape, flat)
            except _BadValue as bad:
                self._refuse(row, bad.steps, bad.detail)
        is_ragged = bool(shape) and shape[0] is None and not self._fault_count
        return flat, [len(value) for value in values] if is_ragged else None

    def _collect_row(self, value: Any, shape: Shape, flat: list[Value]) -> None:
        if value is not None:
            _collect(value, shape, flat)
        elif shape and shape[0] is None:
            raise _BadValue(RAGGED)
        else:
            self._budget.take(self._size())
            flat += [None] * self._size()

    def _refuse_flat(
        self, first: int, invalid: InvalidValue, lengths: Sequence[int] | None
    ) -> None:
        """Adds the fault of a value at a flat index of the last rows."""
        index, shape = invalid.index, self._shape or ()
        places: list[int] = []
        for axis in reversed(shape[1:] if lengths is not None else shape):
            index, place = divmod(index, axis or 1)
            places.append(place)
        if lengths is not None:
            ends = np.cumsum(lengths)
            row = int(np.searchsorted(ends, index, "right"))
            places.append(index - int(ends[row] - lengths[row]))
            index = row
        self._refuse(first + index, tuple(reversed(places)), invalid.detail)

    def _refuse(self, row: int, steps: Sequence[int], detail: str) -> None:
        if self._fault_count < MOST_COLUMN_FAULTS:
            self._report(row, (self._name, *steps), detail)
        self._fault_count += 1

    def finish(self, dtype: str | None) -> ColumnFile | None:
        """Completes the column. Returns None if it has a fault.

        Args:
            dtype: The dtype that the client asks for.
        """
        if self._shape is None:
            self._begin(())
        try:
            if not self._fault_count:
                return self._column.finish(self._name, self._shape or (), dtype)
        except InvalidValue as invalid:
            row, steps = self._locate(max(invalid.index, 0))
            self._refuse(row, steps, invalid.detail)
        return None

    def _locate(self, index: int) -> tuple[int, tuple[int, ...]]:
        """Returns the row and the place inside it of a flat index of the whole column."""
        shape = self._shape or ()
        is_ragged = bool(shape) and shape[0] is None
        places: list[int] = []
        for axis in reversed(shape[1:] if is_ragged else shape):
            index, place = divmod(index, axis or 1)
            places.append(place)
        if is_ragged:
            index, place = self._column.locate_row(index)
            places.append(place)
        return index, tuple(reversed(places))


class RecordTable:
    """The columns of rows that are objects; a key that a row lacks is a missing value."""

    def __init__(
        self,
        folder: Path,
        faults: Faults,
        locate: Callable[..., str],
        limit: int,
        declared: Mapping[str, Declared],
    ) -> None:
        """Starts without columns.

        Args:
            folder: An empty folder for the files.
            faults: The faults so far.
            locate: Returns the JSON Pointer of a row and steps inside it.
            limit: Upper bound on the bytes of missing values.
            declared: What the client says of columns, by name.
        """
        self._folder = folder
        self._faults = faults
        self._locate = locate
        self._budget = Budget(limit)
        self._declared = declared
        self.columns: dict[str, RecordColumn] = {}
        self._refused: set[str] = set()
        """The starts of names that no column may have; a name may be as long as a line."""
        self.rows = 0
        self._class_bound = CountingBound()

    def append(self, rows: Sequence[Row]) -> None:
        """Appends rows.

        Raises:
            Invalid: There are too many faults.
            TooLarge: Missing values exceed the limit.
        """
        for row in rows:
            if not row.keys() <= self.columns.keys():
                self._add_columns(row)
        for name, column in self.columns.items():
            column.append([row.get(name) for row in rows])
        self._class_bound.add(
            len(rows) * len(self.columns), (column.counting for column in self.columns.values())
        )
        self.rows += len(rows)

    def _add_columns(self, row: Row) -> None:
        for name in row:
            start = name[: MAX_COLUMN_NAME_LENGTH + 1]
            if name in self.columns or start in self._refused:
                continue
            if not check_column_name(name, len(self.columns), self._faults):
                self._refused.add(start)
                continue
            declared = self._declared.get(name, Declared(None, None))
            path = self._folder / f"{len(self.columns)}.npy"
            column = GrowingColumn(path, declared.dtype)
            self.columns[name] = RecordColumn(
                name, column, self.rows, declared, self._report, self._budget
            )

    def _report(self, row: int, steps: Sequence[str | int], detail: str) -> None:
        self._faults.add(self._locate(row, *steps), detail)

    def finish(self, dtypes: Mapping[str, str]) -> list[ColumnFile]:
        """Completes the columns; adds a fault for each that has none.

        Args:
            dtypes: The dtypes that the client asks for, by column.
        """
        files = [column.finish(dtypes.get(name)) for name, column in self.columns.items()]
        return [file for file in files if file is not None]


def _find_shape(value: Any) -> Shape:
    """Returns the shape of the first lists of a value."""
    shape: list[int] = []
    while isinstance(value, list):
        if not value:
            raise _BadValue("This list is empty.", (0,) * len(shape))
        if len(shape) == MAX_AXES - 1:
            raise _BadValue(f"Lists are nested more than {MAX_AXES - 1} deep in a row.")
        shape.append(len(value))
        value = value[0]
    return tuple(shape)


def _collect(value: Any, shape: Shape, flat: list[Value]) -> None:
    """Appends the values of nested lists of a shape."""
    if not shape:
        if isinstance(value, list | dict):
            raise _BadValue(f"Expected a value, not {_KIND_NAMES[type(value)]}.")
        flat.append(value)
        return
    if not isinstance(value, list):
        raise _BadValue(f"Expected a list, not {_name_kind(value)}.")
    if shape[0] not in (None, len(value)):
        detail = f"This list has {len(value)} values where the first row has {shape[0]}."
        raise _BadValue(detail)
    if len(shape) == 1 and not set(map(type, value)) & {list, dict}:
        flat += value
        return
    for place, item in enumerate(value):
        try:
            _collect(item, shape[1:], flat)
        except _BadValue as bad:
            raise _BadValue(bad.detail, (place, *bad.steps)) from None


def _name_kind(value: Any) -> str:
    return "null" if value is None else _KIND_NAMES.get(type(value), "a number")
