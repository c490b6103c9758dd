"""Writes the columns of a table, batch by batch."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from domain.dtype import TEXT
from domain.errors import TooLarge
from domain.json.pointer import pointer
from models_store.datasets.columns.classes import CountingBound
from models_store.datasets.formats.body import Body
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.tables.column import TableColumn
from models_store.datasets.formats.tables.nested import RowFault
from models_store.datasets.formats.tables.plan import PlannedColumn
from models_store.datasets.formats.tables.types import Unsupported

THREADS = 2
"""Columns that are written at the same time."""


class TableWriter:
    """The columns of a table that is being read."""

    def __init__(
        self,
        columns: Sequence[PlannedColumn],
        folder: Path,
        limit: int | None,
        faults: Faults,
        describe_row: Callable[[int], str] = "row {}".format,
    ) -> None:
        """Opens no file yet.

        Args:
            columns: The columns of the dataset.
            folder: The folder for their files.
            limit: Upper bound on the bytes of all arrays; None if the body bounds them.
            faults: The faults so far.
            describe_row: Returns the place of a row, counted from 0, for the text of a fault.
        """
        self._columns = [
            TableColumn(planned, folder / f"{index}.npy") for index, planned in enumerate(columns)
        ]
        self._limit = limit
        self._faults = faults
        self._describe_row = describe_row
        self._wrong: set[str] = set()
        """The columns with a fault, of which nothing more is read."""
        self._class_bound = CountingBound()
        self._threads = ThreadPoolExecutor(THREADS)
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    def append(self, arrays: Sequence[pa.Array]) -> None:
        """Writes the next rows.

        Args:
            arrays: The rows of each column of the table.

        Raises:
            Invalid: There are too many faults.
            TooLarge: The arrays exceed the limit.
        """
        columns = [column for column in self._columns if column.name not in self._wrong]
        room = 2**62 if self._limit is None else self._limit - self._count_bytes()
        pending = {
            column.name: self._threads.submit(self._append, column, arrays, room)
            for column in sorted(columns, key=_is_quick)
        }
        for column in columns:
            if (fault := pending[column.name].result()) is not None:
                self._refuse(column.name, fault)
        values = len(columns) * len(arrays[0])
        self._class_bound.add(values, (column.statistics for column in columns))
        self.rows += len(arrays[0])
        if self._limit is not None and self._count_bytes() > self._limit:
            self._refuse_size()

    def _append(
        self, column: TableColumn, arrays: Sequence[pa.Array], room: int
    ) -> RowFault | Unsupported | None:
        try:
            column.append([arrays[source] for source in column.planned.sources], room)
        except (RowFault, Unsupported) as fault:
            return fault
        except OverflowError:
            self._refuse_size()
        return None

    def _refuse(self, name: str, fault: RowFault | Unsupported) -> None:
        self._wrong.add(name)
        if isinstance(fault, Unsupported):
            self._faults.add(pointer("columns", name), f"Column '{name}' {fault.detail}")
            return
        row = self.rows + fault.row
        detail = f"Column '{name}', {self._describe_row(row)}: {fault.detail}"
        self._faults.add(pointer("columns", name, row), detail)

    def _refuse_size(self) -> None:
        raise TooLarge(f"The columns would exceed {self._limit} bytes.")

    def _count_bytes(self) -> int:
        return sum(column.nbytes for column in self._columns)

    def finish(self) -> Body:
        """Completes the files.

        Raises:
            Invalid: Lists every fault.
        """
        if not self.rows:
            self._faults.stop("", "The table has no rows; a dataset has at least one.")
        self._faults.check()
        files = [column.finish(self._faults) for column in self._columns]
        self._faults.check()
        return Body(None, [file for file in files if file is not None])


def _is_quick(column: TableColumn) -> bool:
    """Whether a column takes little time. A slow one that came last would keep one thread busy."""
    return column.planned.dtype != TEXT
