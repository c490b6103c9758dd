"""Makes views of a dataset: an index of rows, and the statistics of these rows."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np

from domain.dataset import Column, ColumnPart, Dataset, View
from domain.dtype import TEXT
from models_store.datasets.columns.classes import ColumnFiles, bound_classes
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.columns.npy import Array, NpyWriter
from models_store.datasets.columns.ranges import list_blocks
from models_store.datasets.columns.read import Block
from models_store.datasets.columns.statistics import NumberStatistics, TextStatistics
from models_store.datasets.rows import count_row_values, open_columns
from models_store.files.disk import hash_file
from models_store.files.key import NewFile
from models_store.files.store import ArtifactStore
from models_store.ids import new_id
from models_store.records.datasets import index_key

BLOCK_VALUES = 1 << 18
END_BYTES = 8


class _ColumnMeasure:
    """The statistics of some rows of a column."""

    def __init__(self, column: Column) -> None:
        self._column = column
        counts_values = not column.shape
        self._texts = TextStatistics(counts_values=counts_values)
        self._numbers = NumberStatistics(counts_values=counts_values)
        self._longest = 0 if column.is_ragged else None
        self._array_bytes = 0
        self._mask_bytes = 0

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays of a column of these rows; it has no mask if none is missing."""
        found = self._texts if self._column.dtype == TEXT else self._numbers
        return self._array_bytes + (self._mask_bytes if found.missing else 0)

    def add(self, block: Block) -> None:
        """Adds rows."""
        values = block.values.reshape(-1)
        missing = None if block.missing is None else block.missing.reshape(-1)
        if block.lengths is not None and block.lengths.size:
            self._longest = max(self._longest or 0, int(block.lengths.max()))
            self._array_bytes += END_BYTES * block.lengths.size
        self._mask_bytes += values.size
        if self._column.dtype == TEXT:
            self._add_texts(values.tolist(), missing)
        else:
            self._numbers.add(values, missing)
            self._array_bytes += values.nbytes

    def _add_texts(self, texts: list[bytes], missing: Array | None) -> None:
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        data = np.frombuffer(b"".join(texts), np.uint8)
        self._array_bytes += END_BYTES * len(texts) + data.nbytes
        if texts:
            self._texts.add(lengths, data, missing)

    def describe(self, rows: int) -> ColumnFile:
        """Returns the column with these statistics; it has no files of its own."""
        found = self._texts if self._column.dtype == TEXT else self._numbers
        changes = {**found.describe(), "longest": self._longest}
        return ColumnFile(self._column.model_copy(update=changes), {}, rows, self.nbytes)


def make_views(
    store: ArtifactStore, dataset: Dataset, parts: Mapping[str, Array], folder: Path
) -> Iterator[tuple[Dataset, NewFile]]:
    """Yields a view of each part, and its file, which is not published.

    Args:
        store: The artifact store.
        dataset: The dataset, which may be a view.
        parts: The rows of each part, by its name; no row is in two of them.
        folder: An empty folder for the files.
    """
    measures = _measure(store, dataset, list(parts.values()))
    whole = _read_index(store, dataset)
    for number, (name, rows) in enumerate(parts.items()):
        file = _write_index(folder / f"{number}.npy", rows if whole is None else whole[rows])
        columns = measures[number].files
        index = ColumnPart(sha256=hash_file(file), bytes=file.stat().st_size)
        identity = sha256(f"{dataset.sha256}/{index.sha256}".encode()).hexdigest()
        view = Dataset(
            id=new_id("dataset"),
            name=name if dataset.name is None else f"{dataset.name} ({name})",
            rows=len(rows),
            bytes=sum(column.nbytes for column in columns),
            sha256=identity,
            columns=bound_classes([measured.column for measured in columns]),
            created_at=datetime.now(UTC),
            view=View(source=dataset.files_id, index=index),
        )
        yield view, NewFile(file, index_key(view.id), index.sha256)


def _measure(store: ArtifactStore, dataset: Dataset, parts: list[Array]) -> list[ColumnFiles]:
    """Returns the statistics of each part, by column; reads each column once."""
    part_of_row = np.full(dataset.rows, -1, np.int16)
    for number, rows in enumerate(parts):
        part_of_row[rows] = number
    found = [ColumnFiles() for _ in parts]
    for index, column in enumerate(dataset.columns):
        measures = [_ColumnMeasure(column) for _ in parts]
        step = max(1, BLOCK_VALUES // max(1, count_row_values(column)))
        with ExitStack() as stack:
            (stored,) = open_columns(store, dataset, stack, [index])
            for first, last in list_blocks([stored], dataset.rows, step):
                block = stored.read(first, last)
                for number in range(len(parts)):
                    chosen = part_of_row[first:last] == number
                    measures[number].add(_select(block, chosen))
        for files, measure, rows in zip(found, measures, parts, strict=True):
            files.add(measure.describe(len(rows)))
    return found


def _select(block: Block, rows: Array) -> Block:
    """Returns the rows of a block that a mask has."""
    lengths = None if block.lengths is None else block.lengths[rows]
    items = rows if block.lengths is None else np.repeat(rows, block.lengths)
    missing = None if block.missing is None else block.missing[items]
    return Block(block.values[items], lengths, missing)


def _read_index(store: ArtifactStore, dataset: Dataset) -> Array | None:
    """Returns the rows of a view in the files; None for a dataset with files of its own."""
    if dataset.view is None:
        return None
    with store.fetch(index_key(dataset.id), dataset.view.index.sha256) as path:
        rows: Array = np.load(path)
    return rows


def _write_index(path: Path, rows: Array) -> Path:
    writer = NpyWriter(path, np.dtype(np.int64))
    writer.append(rows.astype(np.int64))
    writer.finish()
    return path
