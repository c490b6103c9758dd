"""Divides a stream of rows into blocks of fixed sizes, so that no sum depends on the batches."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from worker.training.reports.streams.state import Array, Resumable, State

BLOCK_VALUES = 1 << 20
"""The most numbers of one column of a block."""
BLOCK_ROWS = 1 << 18
"""The most rows of a block."""


class Blocks(Resumable):
    """Collects rows, and passes each complete block on.

    The order of the additions of a sum decides its last bits. A block begins at a multiple of its
    size, whichever batches its rows come in, so that each sum over blocks has always the same bits.
    """

    STATE = ("_filled",)

    def __init__(self, width: int, process: Callable[..., None]) -> None:
        """Collects nothing yet.

        Args:
            width: The largest number of values that a column has in each row.
            process: Takes the columns of a block, which it must not keep.
        """
        self.rows = max(1, min(BLOCK_VALUES // max(width, 1), BLOCK_ROWS))
        self._process = process
        self._filled = 0
        self._buffers: list[Array | None] | None = None

    def add(self, columns: Sequence[Array | None]) -> None:
        """Adds rows.

        Args:
            columns: Arrays of shape (rows, ...), or None; in each call the same number of columns,
                with the same dtypes and shapes of rows. The first is an array.
        """
        first = columns[0]
        assert first is not None
        buffers = self._buffers = self._buffers or [
            None if column is None else self._make_buffer(column) for column in columns
        ]
        done, count = 0, len(first)
        while done < count:
            taken = min(count - done, self.rows - self._filled)
            for buffer, column in zip(buffers, columns, strict=True):
                if (buffer is None) != (column is None):
                    raise ValueError("Either all batches have sample weights, or none has.")
                if buffer is not None and column is not None:
                    buffer[self._filled : self._filled + taken] = column[done : done + taken]
            done += taken
            self._filled += taken
            if self._filled == self.rows:
                self.flush()

    def flush(self) -> None:
        """Passes the rows on that are left."""
        if self._filled:
            self._process(*self._list_filled())
            self._filled = 0

    def get_state(self) -> State:
        """Returns the rows that are not passed on yet."""
        columns = {} if self._buffers is None else dict(enumerate(self._list_filled()))
        kept = {f"{i}": column.copy() for i, column in columns.items() if column is not None}
        return {**super().get_state(), "columns": np.array(len(columns)), **kept}

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Continues with the rows of a state."""
        super().set_state(state)
        count = int(state["columns"])
        self._buffers = [self._restore(state.get(f"{i}")) for i in range(count)] or None

    def _list_filled(self) -> list[Array | None]:
        buffers = self._buffers or []
        return [None if buffer is None else buffer[: self._filled] for buffer in buffers]

    def _make_buffer(self, column: Array) -> Array:
        return np.empty((self.rows, *column.shape[1:]), column.dtype)

    def _restore(self, rows: Array | None) -> Array | None:
        if rows is None:
            return None
        buffer = self._make_buffer(rows)
        buffer[: len(rows)] = rows
        return buffer
