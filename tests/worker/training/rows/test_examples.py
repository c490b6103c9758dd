"""The rows of each example; Keras's windows are the oracle."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from domain.job.preparation import Window
from domain.job.recipe import OutputRecipe, Recipe
from models_store.datasets.columns.read import StoredColumn
from tests.worker.training_tasks import write_column
from worker.training.errors import CannotTrain
from worker.training.rows.examples import Examples, find_examples
from worker.training.rows.prepared import open_columns


def recipe(window: Window | None = None, **missing: Any) -> Recipe:
    return Recipe(
        optimizer="sgd",
        jit_compile=False,
        inputs={"x": ["x"]},
        outputs={"y": OutputRecipe(target="y")},
        missing=missing,
        window=window,
    )


def columns_of(folder: Path, **columns: Any) -> dict[str, StoredColumn]:
    files = {name: write_column(folder / f"{name}.npy", rows) for name, rows in columns.items()}
    return open_columns(files)


def list_rows(found: Examples) -> list[tuple[list[int], int]]:
    """The rows of the input and the row of the target of each example."""
    starts = found.find_starts(np.arange(len(found)))
    offsets = np.zeros(1, int) if found.offsets is None else found.offsets
    rows = np.add.outer(starts, offsets).tolist()
    return list(zip(rows, (starts + found.target_offset).tolist(), strict=True))


@pytest.mark.parametrize("rows", [range(23), range(5, 18)])
@pytest.mark.parametrize(
    "window",
    [
        Window(length=4),
        Window(length=3, stride=2, rate=3),
        Window(length=5, target_offset=0),
        Window(length=2, rate=2, target_offset=6, stride=4),
        Window(length=1),
    ],
)
def test_windows_are_those_of_keras(tmp_path: Path, window: Window, rows: range) -> None:
    columns = columns_of(tmp_path, x=np.arange(23))
    found = list_rows(find_examples(recipe(window), columns, rows, "train on"))
    data = np.arange(rows.start, rows.stop)
    batches = keras.utils.timeseries_dataset_from_array(
        data,
        data[window.offset :],
        sequence_length=window.length,
        sequence_stride=window.stride,
        sampling_rate=window.rate,
        batch_size=1_000,
    )
    pairs = [
        (window_rows.tolist(), int(target))
        for inputs, targets in batches
        for window_rows, target in zip(inputs.numpy(), targets.numpy(), strict=True)
    ]
    assert found == pairs
    assert len(found) == window.count(len(rows))


def test_no_window_crosses_from_one_group_to_another(tmp_path: Path) -> None:
    groups = ["a"] * 4 + ["b"] * 2 + ["a"] * 3
    columns = columns_of(tmp_path, x=np.arange(9), town=groups)
    window = Window(length=2, group="town")
    found = list_rows(find_examples(recipe(window), columns, range(9), "train on"))
    assert found == [([0, 1], 2), ([1, 2], 3), ([6, 7], 8)]


@pytest.mark.parametrize("block_rows", [1, 3, 1 << 16])
def test_examples_with_missing_values_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_rows: int
) -> None:
    monkeypatch.setattr("worker.training.rows.examples.BLOCK_ROWS", block_rows)
    columns = columns_of(tmp_path, x=[0.0, 1.0, None, 3.0, 4.0, 5.0, 6.0, 7.0], y=np.arange(8))
    single = find_examples(recipe(x="drop"), columns, range(1, 7), "train on")
    assert list_rows(single) == [([row], row) for row in (1, 3, 4, 5, 6)]
    window = Window(length=2)
    found = find_examples(recipe(window, x="drop"), columns, range(8), "train on")
    assert list_rows(found) == [([3, 4], 5), ([4, 5], 6), ([5, 6], 7)]


def test_empty_rows_have_no_missing_value(tmp_path: Path) -> None:
    columns = columns_of(tmp_path, x=[np.empty(0), np.empty(0), np.ones(2)], y=np.arange(3))
    found = find_examples(recipe(x="drop"), columns, range(2), "train on")
    assert list_rows(found) == [([0], 0), ([1], 1)]


def test_no_example_is_an_error_with_a_place(tmp_path: Path) -> None:
    columns = columns_of(tmp_path, x=[None, None, 1.0], y=np.arange(3))
    with pytest.raises(CannotTrain, match="No row is left to train on") as error:
        find_examples(recipe(x="drop"), columns, range(2), "train on")
    assert error.value.pointer == "/feed/missing"
