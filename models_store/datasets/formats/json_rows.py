"""Reads the rows of one JSON column: numbers in lists of equal shape."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from domain.pointer import pointer
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.growing import GrowingColumn
from models_store.datasets.formats.json_events import NO_NUMBER, Event, skip
from models_store.datasets.formats.npy import MAX_AXES, ColumnFile
from models_store.datasets.formats.numbers import InvalidValue, Number

CHUNK = 8192
_KIND_NAMES = {"string": "text", "start_map": "an object", "null": "null"}


class _BadRow(Exception):
    """The current row is malformed or differs in shape from the rows before."""

    def __init__(self, detail: str, unread: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.unread = unread
        """Lists or objects that the faulty event opened: 0 or 1."""


class RowReader:
    """Reads the rows of a column and tracks the place of each value."""

    def __init__(
        self, name: str, stream: Iterator[Event], column: GrowingColumn, faults: Faults
    ) -> None:
        self._name = name
        self._stream = stream
        self._column = column
        self._faults = faults
        self._is_valid = True
        self._values: list[Number] = []
        self._open = [0]
        """The current index in each open list, outermost first; the first one counts the rows."""
        self._axes: int | None = None
        """The number of lists around each number; None before the first number."""
        self._reference = 0
        """The index of the first valid row, whose shape all others must have."""
        self._lengths: dict[int, int] = {}
        """The length of the lists by their depth."""

    @property
    def rows(self) -> int:
        """The number of rows that have been read."""
        return self._open[0]

    @property
    def position(self) -> str:
        """The JSON Pointer of the value that is being read."""
        return pointer("columns", self._name, *self._open)

    def read(self) -> None:
        """Reads to the end of the column; adds a fault for each bad row and skips it."""
        ended = False
        while not ended:
            try:
                self._read_rows()
                ended = True
            except _BadRow as bad:
                self._flush()
                self._refuse(self.position, bad.detail)
                self._skip_row(bad.unread)
        self._flush()

    def _read_rows(self) -> None:
        open_lists, values = self._open, self._values
        for event, value in self._stream:
            if event in ("number", "boolean"):
                if len(open_lists) != self._axes:
                    self._set_axes()
                values.append(value)
                open_lists[-1] += 1
                if len(values) >= CHUNK:
                    self._flush()
            elif event == "start_array":
                self._open_list()
            elif event != "end_array":
                self._refuse_kind(event)
            elif len(open_lists) == 1:
                return
            else:
                self._close_list()

    def _set_axes(self) -> None:
        if self._axes is not None:
            raise _BadRow("Expected a list, not a number.")
        self._axes = len(self._open)
        self._reference = self._open[0]

    def _open_list(self) -> None:
        if len(self._open) == self._axes:
            raise _BadRow("Expected a number, not a list.", unread=1)
        if len(self._open) == MAX_AXES:
            self._faults.stop(self.position, f"Lists are nested more than {MAX_AXES} deep.")
        self._open.append(0)

    def _close_list(self) -> None:
        count = self._open.pop()
        if self._axes is None:
            raise _BadRow("This list is empty.")
        expected = self._lengths.setdefault(len(self._open), count)
        if count != expected:
            raise _BadRow(self._describe_length(count, expected))
        self._open[-1] += 1

    def _describe_length(self, count: int, expected: int) -> str:
        if len(self._open) > 1:
            return f"This list has {count} values where the first list at its depth has {expected}."
        row = self._open[0]
        return f"Row {row} has {count} values where row {self._reference} has {expected}."

    def _refuse_kind(self, event: str) -> None:
        detail = f"Expected a number, not {_KIND_NAMES[event]}."
        if event == "null":
            detail = f"{detail} {NO_NUMBER}"
        raise _BadRow(detail, unread=int(event == "start_map"))

    def _skip_row(self, unread: int) -> None:
        skip(self._stream, len(self._open) - 1 + unread)
        if self._open[0] == self._reference:
            self._axes = None
            self._lengths.clear()
        self._open[:] = [self._open[0] + 1]

    def _flush(self) -> None:
        """Writes the values that have been read; drops them if the column has a fault."""
        try:
            if self._values and self._is_valid:
                self._column.append(self._values)
        except InvalidValue as invalid:
            self._refuse(self._place_of(self._column.values + invalid.index), invalid.detail)
        self._values.clear()

    def _refuse(self, place: str, detail: str) -> None:
        self._faults.add(place, detail)
        self._is_valid = False

    def _place_of(self, index: int) -> str:
        """Returns the JSON Pointer of the value at a flat index.

        Within the first row, whose shape is not known yet, it is the pointer of the row.
        """
        if self._open[0] == 0:
            return pointer("columns", self._name, 0)
        places: list[int] = []
        for length in reversed(self._shape()):
            index, place = divmod(index, length)
            places.append(place)
        return pointer("columns", self._name, index, *reversed(places))

    def _shape(self) -> tuple[int, ...]:
        return tuple(self._lengths[depth] for depth in sorted(self._lengths))

    def finish(self, dtype: "np.dtype[Any] | None") -> ColumnFile | None:
        """Completes the column, in `dtype` if given. Returns None if the column has a fault."""
        try:
            if not self.rows:
                self._refuse(pointer("columns", self._name), "This column has no rows.")
            if self._is_valid:
                return self._column.finish(self._name, self._shape(), dtype)
        except InvalidValue as invalid:
            self._refuse(self._place_of(invalid.index), invalid.detail)
        return None
