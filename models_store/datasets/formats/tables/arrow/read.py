"""The formats of Arrow's IPC: streams and files of record batches, read by pyarrow."""

from collections.abc import Iterator
from contextlib import ExitStack
from os import SEEK_END
from pathlib import Path

import pyarrow as pa

from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from models_store.datasets.formats.body import Body, Source
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.spool import spool
from models_store.datasets.formats.tables.ahead import reading_ahead
from models_store.datasets.formats.tables.arrow.messages import check_messages
from models_store.datasets.formats.tables.errors import read_batches, stop_at_damage
from models_store.datasets.formats.tables.plan import check_names, plan_columns
from models_store.datasets.formats.tables.table import TableWriter

MAGIC = b"ARROW1"
END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
START_BYTES = 8
"""Bytes of a file before its stream."""
MOST_ROWS = 1 << 16
"""The most rows that are written at once."""
MOST_BYTES = 32 << 20
"""The most bytes that are written at once, unless one row has more."""


def read_stream(
    source: Source, folder: Path, limit: int, options: ReadOptions = DEFAULT_OPTIONS
) -> Body:
    """Reads a stream of record batches, one at a time.

    Args:
        source: The body.
        folder: An empty folder for the files.
        limit: Upper bound on the bytes of all arrays.
        options: How the body is read.

    Raises:
        Invalid: The body is no stream, or a column cannot be stored; lists every fault found.
        TooLarge: The arrays exceed `limit`.
    """
    return _Reader(folder, limit, options, "stream", 0).read(source)


def read_file(
    source: Source, folder: Path, limit: int, options: ReadOptions = DEFAULT_OPTIONS
) -> Body:
    """Reads a file of record batches; see `read_stream`.

    The file is a stream between a mark and a footer. The footer, which may state anything, is not
    needed.
    """
    return _Reader(folder, limit, options, "file", START_BYTES).read(source)


class _Reader:
    def __init__(
        self, folder: Path, limit: int, options: ReadOptions, form: str, start: int
    ) -> None:
        self._folder = folder
        self._path = folder / "body.arrow"
        self._limit = limit
        self._options = options
        self._damaged = f"The body is not a complete {form} of Arrow's IPC."
        self._start = start
        self._faults = Faults()

    def read(self, source: Source) -> Body:
        size = spool(source, self._path)
        if not self._is_complete(size):
            self._faults.stop("", self._damaged)
        with stop_at_damage(self._faults, self._damaged), self._open() as content:
            check_messages(content, self._limit, self._faults)
        body = self._read_table()
        self._path.unlink()
        return body

    def _is_complete(self, size: int) -> bool:
        """Whether the body begins and ends as its form requires."""
        begin, end = (MAGIC, MAGIC) if self._start else (b"", END_OF_STREAM)
        if size < START_BYTES:
            return False
        with self._path.open("rb") as file:
            begins = file.read(len(begin)) == begin
            file.seek(-len(end), SEEK_END)
            return begins and file.read() == end

    def _open(self) -> pa.MemoryMappedFile:
        content = pa.memory_map(str(self._path))
        content.seek(self._start)
        return content

    def _read_table(self) -> Body:
        with ExitStack() as stack:
            with stop_at_damage(self._faults, self._damaged):
                content = stack.enter_context(self._open())
                batches = stack.enter_context(pa.ipc.open_stream(content))
                schema = batches.schema
                names = schema.names
            check_names(names, self._faults)
            columns = plan_columns(names, schema.types, self._options, self._faults)
            table = stack.enter_context(
                TableWriter(columns, self._folder, self._limit, self._faults)
            )
            validated = stack.enter_context(reading_ahead(map(_validate, batches)))
            for batch in read_batches(validated, self._faults, self._damaged):
                for part in _split(batch):
                    table.append(part.columns)
            return table.finish()


def _validate(batch: pa.RecordBatch) -> pa.RecordBatch:
    batch.validate(full=True)
    return batch


def _split(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yields slices of a record batch."""
    row_bytes = batch.get_total_buffer_size() / max(batch.num_rows, 1)
    step = max(1, min(MOST_ROWS, int(MOST_BYTES / max(row_bytes, 1))))
    for start in range(0, batch.num_rows, step):
        yield batch.slice(start, step)
