"""The rows of one JSON column: numbers in equally shaped lists."""

from collections.abc import Iterator

from domain.pointer import pointer
from models_store.formats.faults import Faults
from models_store.formats.growing import GrowingColumn
from models_store.formats.json_events import NO_NUMBER, Event, skip
from models_store.formats.npy import MOST_AXES
from models_store.formats.numbers import Misfit, Number

CHUNK = 8192
_SPOKEN = {"string": "Text", "start_map": "An object", "null": "Null", "boolean": "A boolean"}


class _BadRow(Exception):
    """A row is not like the first; `depth` of its lists are still open."""

    def __init__(self, place: tuple[int, ...], detail: str, depth: int) -> None:
        self.place = place
        self.detail = detail
        self.depth = depth


class RowReader:
    """Reads rows into a column, and knows the place of each value."""

    def __init__(
        self, name: str, stream: Iterator[Event], column: GrowingColumn, faults: Faults
    ) -> None:
        self.rows = 0
        self.sound = True
        self._name = name
        self._stream = stream
        self._column = column
        self._faults = faults
        self._axes: int | None = None
        self._lengths: list[int] = []
        self._values: list[Number] = []
        self._open: list[int] = []
        """The index reached in each open list of the present row."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row, known once the first has been read."""
        return tuple(self._lengths)

    @property
    def here(self) -> str:
        """The pointer of the value that comes next."""
        return pointer("columns", self._name, self.rows, *self._open)

    def place_of(self, index: int) -> str:
        """The pointer of a value of this column, counted flat."""
        places: list[int] = []
        for length in reversed(self._lengths):
            index, place = divmod(index, length)
            places.append(place)
        return pointer("columns", self._name, index, *reversed(places))

    def read(self) -> None:
        """Reads to the end of the column's list."""
        for event, value in self._stream:
            if event == "end_array":
                break
            try:
                self._row(event, value)
            except _BadRow as bad:
                self._refuse(pointer("columns", self._name, self.rows, *bad.place), bad.detail)
                self._leave(bad.depth)
            self.rows += 1
        self._flush()

    def _row(self, event: str, value: Number) -> None:
        if event == "start_array":
            self._open = [0]
            self._lists()
        elif event in ("number", "boolean"):
            self._check_number()
            self._take(value)
        else:
            self._wrong_kind(event)

    def _lists(self) -> None:
        """The hot loop: everything up to the end of a row's outermost list."""
        opened, values = self._open, self._values
        for event, value in self._stream:
            if event in ("number", "boolean"):
                if len(opened) != self._axes:
                    self._check_number()
                values.append(value)
                opened[-1] += 1
                if len(values) >= CHUNK:
                    self._flush()
            elif event == "start_array":
                self._open_list()
            elif event == "end_array":
                self._close_list()
                if not opened:
                    return
                opened[-1] += 1
            else:
                self._wrong_kind(event)
