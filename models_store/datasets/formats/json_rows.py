"""The rows of one JSON column: numbers in equally shaped lists."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from domain.pointer import pointer
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.growing import GrowingColumn
from models_store.datasets.formats.json_events import NO_NUMBER, Event, skip
from models_store.datasets.formats.npy import MOST_AXES, Written
from models_store.datasets.formats.numbers import Misfit, Number

CHUNK = 8192
_SPOKEN = {"string": "Text", "start_map": "An object", "null": "null"}


class _BadRow(Exception):
    """The present row is not like the ones before."""

    def __init__(self, detail: str, unread: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.unread = unread
        """How many lists or objects began with the event that is at fault."""


class RowReader:
    """Reads a column's rows, and knows the place of each value."""

    def __init__(
        self, name: str, stream: Iterator[Event], column: GrowingColumn, faults: Faults
    ) -> None:
        self._name = name
        self._stream = stream
        self._column = column
        self._faults = faults
        self._sound = True
        self._values: list[Number] = []
        self._open = [0]
        """The index reached in each open list: the column's own, and those of the row."""
        self._axes: int | None = None
        """How many lists are open around a number; known from the first number on."""
        self._model = 0
        """The row that all others are measured by: the first without a fault."""
        self._lengths: dict[int, int] = {}
        """Of a list, by how many are open around it."""

    @property
    def rows(self) -> int:
        """How many have been read."""
        return self._open[0]

    @property
    def here(self) -> str:
        """The pointer of what is read now."""
        return pointer("columns", self._name, *self._open)

    def read(self) -> None:
        """Reads to the end of the column's list; every bad row is noted and passed over."""
        ended = False
        while not ended:
            try:
                self._read_on()
                ended = True
            except _BadRow as bad:
                self._flush()
                self._refuse(self.here, bad.detail)
                self._leave_row(bad.unread)
        self._flush()

    def _read_on(self) -> None:
        opened, values = self._open, self._values
        for event, value in self._stream:
            if event in ("number", "boolean"):
                if len(opened) != self._axes:
                    self._settle_axes()
                values.append(value)
                opened[-1] += 1
                if len(values) >= CHUNK:
                    self._flush()
            elif event == "start_array":
                self._open_list()
            elif event != "end_array":
                self._refuse_kind(event)
            elif len(opened) == 1:
                return
            else:
                self._close_list()

    def _settle_axes(self) -> None:
        if self._axes is not None:
            raise _BadRow("A number where a list belongs.")
        self._axes = len(self._open)
        self._model = self._open[0]

    def _open_list(self) -> None:
        if len(self._open) == self._axes:
            raise _BadRow("A list where a number belongs.", unread=1)
        if len(self._open) == MOST_AXES:
            self._faults.stop(self.here, f"Lists are nested more than {MOST_AXES} deep.")
        self._open.append(0)

    def _close_list(self) -> None:
        count = self._open.pop()
        if self._axes is None:
            raise _BadRow("This list is empty.")
        expected = self._lengths.setdefault(len(self._open), count)
        if count != expected:
            raise _BadRow(self._ragged(count, expected))
        self._open[-1] += 1

    def _ragged(self, count: int, expected: int) -> str:
        if len(self._open) > 1:
            return f"This list has {count} values where the first like it has {expected}."
        row = self._open[0]
        return f"Row {row} has {count} values where row {self._model} has {expected}."

    def _refuse_kind(self, event: str) -> None:
        detail = f"{_SPOKEN[event]} where a number belongs."
        if event == "null":
            detail = f"{detail} {NO_NUMBER}"
        raise _BadRow(detail, unread=int(event == "start_map"))

    def _leave_row(self, unread: int) -> None:
        skip(self._stream, len(self._open) - 1 + unread)
        if self._open[0] == self._model:
            self._axes = None
            self._lengths.clear()
        self._open[:] = [self._open[0] + 1]

    def _flush(self) -> None:
        """Hands the values on; those of a column that is refused anyway are dropped."""
        try:
            if self._values and self._sound:
                self._column.append(self._values)
        except Misfit as misfit:
            self._refuse(self._place_of(self._column.values + misfit.index), misfit.detail)
        self._values.clear()

    def _refuse(self, place: str, detail: str) -> None:
        self._faults.add(place, detail)
        self._sound = False

    def _place_of(self, index: int) -> str:
        """The pointer of a value counted flat; of its row while that is the first."""
        if self._open[0] == 0:
            return pointer("columns", self._name, 0)
        places: list[int] = []
        for length in reversed(self._shape()):
            index, place = divmod(index, length)
            places.append(place)
        return pointer("columns", self._name, index, *reversed(places))

    def _shape(self) -> tuple[int, ...]:
        return tuple(self._lengths[depth] for depth in sorted(self._lengths))

    def finish(self, wanted: "np.dtype[Any] | None") -> Written | None:
        """The column, in the dtype asked for; None when a fault was noted."""
        try:
            if not self.rows:
                self._refuse(pointer("columns", self._name), "This column has no rows.")
            if self._sound:
                return self._column.finish(self._name, self._shape(), wanted)
        except Misfit as misfit:
            self._refuse(self._place_of(misfit.index), misfit.detail)
        return None
