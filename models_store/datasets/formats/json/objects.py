"""Reads the rows of a JSON body that are objects: `{"rows": [{"age": 3, "town": "Ulm"}, ...]}`."""

from collections.abc import Iterator
from typing import Any

from domain.json.pointer import pointer
from models_store.datasets.columns.npy import MAX_AXES
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.json.events import EventStream
from models_store.datasets.formats.json.records import Row

BATCH_ROWS = 1_024
BATCH_VALUES = 1 << 16
"""Values at which a batch of rows ends."""
BATCH_CHARACTERS = 1 << 20
"""Characters of texts at which a batch of rows ends."""
MOST_ROW_VALUES = 1 << 20
"""The most values of a row, which is in memory whole."""
MOST_ROW_CHARACTERS = 16 << 20
"""The most characters of the texts of a row."""
EXPECTED = 'A row is an object like {"age": 3, "town": "Ulm"}'


class ObjectReader:
    """Reads objects from the events of a list."""

    def __init__(self, stream: EventStream, faults: Faults) -> None:
        self._stream = stream
        self._faults = faults
        self._steps: list[str | int] = []
        self._rows = 0
        self._values = 0
        self._characters = 0

    @property
    def position(self) -> str:
        """The JSON Pointer of the value that is being read."""
        return pointer("rows", self._rows, *self._steps)

    def read_batches(self) -> Iterator[list[Row]]:
        """Yields the rows of the list whose start has been read, some at a time."""
        batch: list[Row] = []
        values = characters = 0
        for event, _ in self._stream:
            if event == "end_array":
                break
            batch.append(self._read_row(event))
            self._rows += 1
            values += self._values
            characters += self._characters
            is_long = values >= BATCH_VALUES or characters >= BATCH_CHARACTERS
            if len(batch) >= BATCH_ROWS or is_long:
                yield batch
                batch, values, characters = [], 0, 0
        yield batch

    def _read_row(self, event: str) -> Row:
        """Reads the row that begins with an event; a malformed row is empty."""
        self._values = self._characters = 0
        if event != "start_map":
            self._faults.add(self.position, f"{EXPECTED}.")
            self._stream.skip(int(event == "start_array"))
            return {}
        row: Row = {}
        for kind, name in self._stream:
            if kind == "end_map":
                break
            self._steps = [name]
            value = self._read_value()
            if name in row:
                self._faults.add(self.position, "This key appears twice in the row.")
            row[name] = value
            self._count(len(name))
        self._steps = []
        return row

    def _read_value(self) -> Any:
        event, value = next(self._stream)
        if event == "start_array":
            return self._read_list()
        if event == "start_map":
            self._stream.skip(1)
            return {}  # the column refuses it with its place
        self._count(len(value) if event == "string" else 0)
        return value

    def _read_list(self) -> list[Any]:
        if len(self._steps) >= MAX_AXES:
            self._faults.stop(self.position, f"Lists are nested more than {MAX_AXES - 1} deep.")
        values: list[Any] = []
        self._steps.append(0)
        for event, value in self._stream:
            if event == "end_array":
                break
            if event == "start_array":
                values.append(self._read_list())
            else:
                values.append({} if event == "start_map" else value)
                self._stream.skip(int(event == "start_map"))
                self._count(len(value) if event == "string" else 0)
            self._steps[-1] = len(values)
        self._steps.pop()
        return values

    def _count(self, characters: int) -> None:
        self._values += 1
        self._characters += characters
        if self._values > MOST_ROW_VALUES or self._characters > MOST_ROW_CHARACTERS:
            detail = f"A row has at most {MOST_ROW_VALUES} values and {MOST_ROW_CHARACTERS} "
            self._faults.stop(pointer("rows", self._rows), f"{detail}characters of text.")


def locate(row: int, *steps: str | int) -> str:
    """Returns the JSON Pointer of a value in a row."""
    return pointer("rows", row, *steps)
