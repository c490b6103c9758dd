"""The classes of all columns of a dataset are bounded together, whatever its format."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.dataset import ClassCount, Column
from domain.formats.read_options import DEFAULT_OPTIONS
from models_store.datasets.columns import classes
from models_store.datasets.columns.classes import ColumnFiles, CountingBound, bound_classes
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.columns.statistics import NumberStatistics, TextStatistics
from models_store.datasets.staging import read_dataset
from models_store.ids import new_id
from tests.support.dataset_bodies import BODIES, encode_json

MOST = 300
NUMBERS = ("application/x-npz", "application/vnd.safetensors")
TABLES = [media_type for media_type in BODIES if media_type.endswith(("csv", "json", "stream"))]


def describe(name: str, values: int, length: int = 0) -> Column:
    """A column with some classes: texts of a length, or numbers."""
    found = [
        ClassCount(value=str(i).rjust(length, "a") if length else i, count=1) for i in range(values)
    ]
    return Column(
        name=name, dtype="string" if length else "int64", shape=[], min=None, max=None,
        distinct=values, classes=found,
    )  # fmt: skip


def list_kept(columns: list[Column]) -> list[str]:
    return [column.name for column in columns if column.classes is not None]


def test_texts_and_columns_with_few_classes_keep_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classes, "MOST_CLASSES_IN_ALL", MOST)
    columns = [
        describe("many", 150), describe("few", 90), describe("text", 200, 3), describe("one", 1),
    ]  # fmt: skip
    found = bound_classes(columns)
    assert list_kept(found) == ["few", "text", "one"]
    assert [column.distinct for column in found] == [150, 90, 200, 1]
    assert bound_classes(columns[1:]) == columns[1:]


def test_the_characters_of_texts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classes, "MOST_CHARACTERS_IN_ALL", 1_000)
    columns = [describe("long", 9, 100), describe("short", 9, 10), describe("longer", 9, 101)]
    assert list_kept(bound_classes(columns)) == ["long", "short"]


def test_classes_are_bounded_while_columns_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classes, "MOST_CLASSES_IN_ALL", MOST)
    files = ColumnFiles()
    for index in range(40):
        files.add(ColumnFile(describe(f"x{index}", 100), {}, 100, 800))
        assert sum(len(file.column.classes or ()) for file in files.files) <= 2 * MOST
    assert len(files) == 40
    numbers = [NumberStatistics(counts_values=True) for _ in range(40)]
    texts = TextStatistics()
    bound = CountingBound()
    for index, column in enumerate(numbers):
        column.add(np.arange(100 + index))
        bound.add(100, [*numbers, texts])
        assert sum(each.class_size.classes for each in numbers) <= 3 * MOST + 40
    assert numbers[0].describe()["classes"] is not None
    assert numbers[39].describe()["classes"] is None
    numbers[39].add(np.arange(200, 240))
    assert numbers[39].describe()["distinct"] == 179


@pytest.mark.parametrize("media_type", [*TABLES, *NUMBERS, "application/vnd.apache.parquet"])
def test_a_dataset_of_each_format_has_few_classes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, media_type: str
) -> None:
    monkeypatch.setattr(classes, "MOST_CLASSES_IN_ALL", MOST)
    columns: dict[str, Any] = {f"x{i}": np.arange(120) % (100 + i) for i in range(12)}
    columns["few"] = np.arange(120) % 3
    if media_type not in NUMBERS:
        columns["town"] = np.array([f"town {i % 150}" for i in range(120)])
    raw = BODIES[media_type](**columns)
    found = read_dataset(
        tmp_path, new_id("dataset"), media_type, io.BytesIO(raw), 1 << 30, None, DEFAULT_OPTIONS
    ).record
    kept = list_kept(found.columns)
    assert set(kept) >= {"few", *(["town"] if "town" in columns else [])}
    assert sum(len(column.classes or ()) for column in found.columns) <= MOST
    assert {column.name: column.distinct for column in found.columns} == {
        name: len(np.unique(values)) for name, values in columns.items()
    }
    for column in found.columns:
        if column.classes is not None:
            values, counts = np.unique(columns[column.name], return_counts=True)
            assert [item.value for item in column.classes] == values.tolist()
            assert [item.count for item in column.classes] == counts.tolist()


def test_a_hundred_columns_keep_all_classes(tmp_path: Path) -> None:
    columns = {f"x{i}": np.arange(1_000) for i in range(100)}
    source = io.BytesIO(encode_json(**columns))
    found = read_dataset(
        tmp_path, new_id("dataset"), "application/json", source, 1 << 30, None, DEFAULT_OPTIONS
    ).record
    assert len(list_kept(found.columns)) == 100
