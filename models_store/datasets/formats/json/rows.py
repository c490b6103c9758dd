"""Reads the rows of one JSON column: values, or nested lists of them."""

from typing import NamedTuple

import numpy as np

from domain.dtype import TEXT
from domain.json.pointer import pointer
from models_store.datasets.columns.classes import Counting
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.columns.npy import MAX_AXES
from models_store.datasets.columns.numbers import InvalidValue
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.json.events import Event, EventStream, Items
from models_store.datasets.formats.json.growing import (
    NOT_A_NUMBER,
    NOT_TEXT,
    GrowingColumn,
    Value,
)

CHUNK = 8192
MOST_COLUMN_FAULTS = 3
"""Faults of one column in one answer, so that the answer also has those of other columns."""
VALUES = frozenset({"number", "boolean", "string", "null"})
"""Events of values."""
DECLARE = (
    " If rows differ in length, declare it as `shapes` before `columns`, e.g. "
    '"shapes": {"x": [null]}.'
)
Shape = tuple[int | None, ...]
"""The shape of a row; None in its first place if the rows differ in length."""


class _BadRow(Exception):
    """The current row is malformed or differs in shape from the rows before."""

    def __init__(self, detail: str, unread: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.unread = unread
        """Lists or objects that the faulty event opened: 0 or 1."""


class Declared(NamedTuple):
    """What the body says of a column before its values."""

    dtype: str | None
    shape: Shape | None

    @property
    def lengths(self) -> dict[int, int]:
        """The length of the lists by their depth."""
        shape = enumerate(self.shape or (), 1)
        return {depth: length for depth, length in shape if length is not None}

    @property
    def axes(self) -> int | None:
        """The number of lists around each value."""
        return None if self.shape is None else len(self.shape) + 1

    @property
    def is_text(self) -> bool | None:
        """Whether the values are text; None if they may be anything."""
        return None if self.dtype is None else self.dtype == TEXT

    @property
    def is_ragged(self) -> bool:
        """Whether the rows may differ in length."""
        return bool(self.shape) and self.shape is not None and self.shape[0] is None


class RowReader:
    """Reads the rows of a column and tracks the place of each value."""

    def __init__(
        self,
        name: str,
        stream: EventStream,
        column: GrowingColumn,
        faults: Faults,
        declared: Declared,
    ) -> None:
        self._name = name
        self._stream = stream
        self._column = column
        self._faults = faults
        self._declared = declared
        self._fault_count = 0
        self._values: list[Value] = []
        self._row_lengths: list[int] = []
        """The lengths of rows that differ in length, beside the values that are in memory."""
        self._open = [0]
        """The current index in each open list, outermost first; the first one counts the rows."""
        self._axes = declared.axes
        """The number of lists around each value; None before the first value."""
        self._is_text = declared.is_text
        self._last_event = ""
        """The last event of a value whose kind has been checked."""
        self._reference = 0
        """The index of the first valid row, whose shape all others must have."""
        self._lengths = declared.lengths
        """The length of the lists by their depth."""
        self._is_ragged = declared.is_ragged
        self._first_length = 0
        self._differing: list[tuple[str, str]] = []
        """Faults of rows that differ in length, unless the body declares it after the columns."""
        self._array_depth = 1
        """The number of open lists at which items are taken as arrays."""
        self._column.counts_values = self._axes in (None, 1)

    @property
    def counting(self) -> Counting:
        """The column, whose classes are counted."""
        return self._column

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
        while True:
            event, value = self._read_event()
            if event in VALUES:
                if event != self._last_event:
                    self._check_kind(event)
                if len(open_lists) != self._axes:
                    self._set_axes(len(open_lists), event)
                values.append(value)
                open_lists[-1] += 1
                if len(values) >= CHUNK:
                    self._flush()
            elif event != "end_array":
                self._open_list(event)
            elif len(open_lists) == 1:
                return
            else:
                self._close_list()

    def _read_event(self) -> Event:
        """Returns the next event that is no part of an array."""
        if len(self._open) == self._array_depth:
            self._take_items()
        return next(self._stream)

    def _take_items(self) -> None:
        """Takes the items that follow as arrays, as long as they are valid."""
        while self._stream.begins_item:
            is_column = len(self._open) == 1
            items = self._stream.find_items(is_column, is_column and self._may_differ())
            if items is None:
                self._array_depth += self._stream.begins_long_item()
                return
            if not self._append(items):
                self._stream.leave_items(items.end)
                return
            self._stream.take_items(items)

    def _may_differ(self) -> bool:
        """Whether rows may differ in length, as far as is known."""
        return self._is_ragged and self._axes is not None

    def _append(self, items: Items) -> bool:
        """Appends items of the open list. Returns False, with no change, if they are invalid."""
        depth = len(self._open) + (items.lengths is not None)
        axes = depth + items.values.ndim - 1
        lengths = dict(enumerate(items.values.shape[1:], depth))
        if self._is_ragged:
            lengths.pop(1, None)
        if self._axes not in (None, axes) or axes > MAX_AXES or self._is_text:
            return False
        if any(self._lengths.get(key, length) != length for key, length in lengths.items()):
            return False
        self._flush()
        self._column.counts_values = axes == 1
        try:
            if not self._fault_count:
                missing = None if items.missing is None else items.missing.reshape(-1)
                self._column.append_array(items.values.reshape(-1), missing)
        except InvalidValue:
            return False
        self._note_items(items, axes, lengths)
        return True

    def _note_items(self, items: Items, axes: int, lengths: dict[int, int]) -> None:
        """Counts items that have been appended, with the lengths of their rows."""
        if self._axes is None:
            self._axes, self._reference = axes, self._open[0]
        self._is_text = False
        self._lengths.update(lengths)
        count = len(items.values)
        if self._is_ragged and len(self._open) == 1:
            row_lengths = items.lengths
            if row_lengths is None:
                row_lengths = np.full(count, items.values.shape[1])
            self._note_differing(row_lengths.tolist())
            self._row_lengths += row_lengths.tolist()
            count = len(row_lengths)
            self._open[0] += count
            self._flush()
        else:
            self._open[-1] += count

    def _check_kind(self, event: str) -> None:
        """Checks that text and numbers are not mixed."""
        if event == "null":
            return
        is_text = event == "string"
        if self._is_text not in (None, is_text):
            raise _BadRow(NOT_A_NUMBER if is_text else NOT_TEXT)
        self._is_text = is_text
        self._last_event = event

    def _set_axes(self, axes: int, event: str) -> None:
        if self._axes is not None and event == "null":
            raise _BadRow("Expected a list, not null; null stands for one value, not for a list.")
        if self._axes is not None:
            kind = "text" if event == "string" else "a number"
            raise _BadRow(f"Expected a list, not {kind}.")
        self._axes = axes
        self._column.counts_values = axes == 1
        self._reference = self._open[0]

    def _open_list(self, event: str) -> None:
        if event == "start_map":
            raise _BadRow("Expected a value, not an object.", unread=1)
        if len(self._open) == self._axes:
            kind = "text" if self._is_text else "a number"
            raise _BadRow(f"Expected {kind}, not a list.", unread=1)
        if len(self._open) == MAX_AXES:
            self._faults.stop(self.position, f"Lists are nested more than {MAX_AXES} deep.")
        self._open.append(0)

    def _close_list(self) -> None:
        count = self._open.pop()
        if self._axes is None:
            raise _BadRow("This list is empty." + (DECLARE if len(self._open) == 1 else ""))
        if len(self._open) == 1 and self._closes_ragged_row(count):
            self._row_lengths.append(count)
            self._open[0] += 1
            if len(self._row_lengths) >= CHUNK:
                self._flush()
            return
        expected = self._lengths.setdefault(len(self._open), count)
        if count != expected:
            raise _BadRow(self._describe_length(count, expected))
        self._open[-1] += 1

    def _closes_ragged_row(self, count: int) -> bool:
        """Whether the row that ends is one of rows that differ in length."""
        if not self._is_ragged:
            expected = self._lengths.get(1, count)
            if count == expected or self._declared.shape is not None:
                return False
            self._begin_ragged(expected, self._open[0])
        self._note_differing([count])
        return True

    def _begin_ragged(self, length: int, rows: int) -> None:
        """Keeps the lengths of rows from now on; the rows so far have equal lengths."""
        self._is_ragged = True
        self._first_length = length
        self._lengths.pop(1, None)
        for start in range(0, rows, CHUNK):
            self._append_lengths([length] * min(CHUNK, rows - start))

    def _note_differing(self, lengths: list[int]) -> None:
        """Notes rows that differ from the first one, which is a fault unless it is declared."""
        if self._declared.is_ragged or len(self._differing) >= MOST_COLUMN_FAULTS:
            return
        for row, length in enumerate(lengths, self._open[0]):
            if length != self._first_length and len(self._differing) < MOST_COLUMN_FAULTS:
                detail = f"Row {row} has {length} values where row {self._reference} has "
                place = pointer("columns", self._name, row)
                self._differing.append((place, f"{detail}{self._first_length}.{DECLARE}"))

    def _describe_length(self, count: int, expected: int) -> str:
        if len(self._open) in self._declared.lengths:
            return f"This list has {count} values where `shapes` says {expected}."
        if len(self._open) > 1:
            return f"This list has {count} values where the first list at its depth has {expected}."
        row = self._open[0]
        return f"Row {row} has {count} values where row {self._reference} has {expected}."

    def _skip_row(self, unread: int) -> None:
        self._stream.skip(len(self._open) - 1 + unread)
        if self._open[0] == self._reference:
            declared = self._declared
            self._axes, self._lengths = declared.axes, declared.lengths
            self._is_text, self._last_event = declared.is_text, ""
        self._open[:] = [self._open[0] + 1]

    def _flush(self) -> None:
        """Writes the values that have been read; drops them if the column has a fault."""
        try:
            if self._values and not self._fault_count:
                self._column.append(self._values)
        except InvalidValue as invalid:
            index = self._column.values + invalid.index
            self._flush_lengths()
            self._refuse(self._place_of(index), invalid.detail)
        self._values.clear()
        self._flush_lengths()

    def _flush_lengths(self) -> None:
        if self._row_lengths:
            self._append_lengths(self._row_lengths)
            self._row_lengths.clear()

    def _append_lengths(self, lengths: list[int]) -> None:
        if not self._fault_count:
            self._column.append_lengths(np.array(lengths, np.int64))

    def _refuse(self, place: str, detail: str) -> None:
        """Adds a fault; drops it if the column has `MOST_COLUMN_FAULTS`."""
        if self._fault_count < MOST_COLUMN_FAULTS:
            self._faults.add(place, detail)
        self._fault_count += 1

    def _place_of(self, index: int) -> str:
        """Returns the JSON Pointer of the value at a flat index; that of the column below 0.

        As long as the length of the lists at a depth is unknown, none of them has ended: all values
        lie in the first one.
        """
        if index < 0:
            return pointer("columns", self._name)
        assert self._axes is not None, "the column has a value"
        places: list[int] = []
        for depth in range(self._axes - 1, int(self._is_ragged), -1):
            length = self._lengths.get(depth, index + 1)
            index, place = divmod(index, length)
            places.append(place)
        if self._is_ragged:
            index, place = self._column.locate_row(index)
            places.append(place)
        return pointer("columns", self._name, index, *reversed(places))

    def _shape(self) -> Shape:
        item_shape = [self._lengths[depth] for depth in sorted(self._lengths)]
        return (None, *item_shape) if self._is_ragged else tuple(item_shape)

    def finish(self, dtype: str | None, shape: Shape | None) -> ColumnFile | None:
        """Completes the column. Returns None if it has a fault.

        Args:
            dtype: The dtype that the body says, before or after the values.
            shape: The shape of a row that the body says.
        """
        try:
            if not self.rows:
                self._refuse(pointer("columns", self._name), "This column has no rows.")
            else:
                self._check_shape(shape)
            if not self._fault_count:
                return self._column.finish(self._name, self._shape(), dtype)
        except InvalidValue as invalid:
            self._refuse(self._place_of(invalid.index), invalid.detail)
        return None

    def _check_shape(self, shape: Shape | None) -> None:
        """Checks the rows against a shape that was sent after them, or against none."""
        if shape is not None and len(shape) > 0 and shape[0] is None:
            if not self._is_ragged and self._axes == len(shape) + 1:
                self._begin_ragged(self._lengths[1], self.rows)
        else:
            for place, detail in self._differing:
                self._refuse(place, detail)
        if shape is not None and not self._fault_count and shape != self._shape():
            found, said = (_write_shape(each) for each in (self._shape(), shape))
            detail = f"A row has the shape {found} where `shapes` says {said}."
            self._refuse(pointer("columns", self._name), detail)


def _write_shape(shape: Shape) -> str:
    """Writes a shape as JSON does."""
    return f"[{', '.join('null' if axis is None else str(axis) for axis in shape)}]"
