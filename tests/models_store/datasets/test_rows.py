"""Ranges of rows: how many are read at once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.dataset import Column, Dataset
from domain.errors import Invalid
from models_store.datasets.rows import MAX_ROW_VALUES, read_rows
from models_store.files.local import LocalArtifacts
from models_store.ids import new_id


def make_dataset(row_values: int) -> Dataset:
    column = Column(name="x", dtype="float32", shape=[row_values], min=None, max=None)
    return Dataset(
        id=new_id("dataset"),
        name=None,
        rows=4,
        bytes=16 * row_values,
        sha256="",
        columns=[column],
        created_at=datetime.now(UTC),
    )


def test_rows_that_are_too_long_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="2,000,001 values"):
        read_rows(LocalArtifacts(tmp_path), make_dataset(MAX_ROW_VALUES + 1), 0, 1)
