"""Pins the datasets that a job reads, at the time when it is accepted."""

from collections.abc import Collection

from domain.dataset import Column, Dataset
from domain.job.plan import PinnedColumn, PinnedDataset


def pin_dataset(dataset: Dataset, read_columns: Collection[str]) -> PinnedDataset:
    """Returns a dataset with the columns that a job reads."""
    read = {c.name: (i, c) for i, c in enumerate(dataset.columns) if c.name in read_columns}
    return PinnedDataset(
        id=dataset.id,
        sha256=dataset.sha256,
        rows=dataset.rows,
        columns={name: index for name, (index, _) in read.items()},
        described={name: _pin_column(column) for name, (_, column) in read.items()},
        view=dataset.view,
    )


def _pin_column(column: Column) -> PinnedColumn:
    parts: dict[str, str | None] = {name: part.sha256 for name, part in column.parts.items()}
    return PinnedColumn(
        dtype=column.dtype,
        shape=[*column.shape],
        parts=parts or {"values": column.sha256},
        places={name: part.place for name, part in column.parts.items() if part.place},
    )
