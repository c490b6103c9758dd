"""The columns of classes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models_store.datasets.columns.read import open_column
from worker.training.inference.columns import ClassColumn
from worker.training.inference.computation import Outputs, OutputSpec

NAN = float("nan")


def write(path: Path, values: Any, classes: Any, threshold: float | None = None) -> list[Any]:
    """The classes of some values."""
    array = np.array(values, np.float32)
    spec = OutputSpec(array.dtype, array.shape[1:])
    column = ClassColumn("y_class", spec, path / "0.npy", classes, threshold)
    column.append(Outputs(array))
    file = column.finish()
    stored = open_column(file.column.dtype, file.column.shape, file.files)
    return stored.read(0, len(stored)).to_list()


@pytest.mark.parametrize(
    ("values", "classes", "expected"),
    [
        ([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]], ["a", "b"], ["b", "a", "a"]),
        ([[0.1, 0.2, 0.7], [0.9, NAN, 0.1]], [3, 7], [None, None]),
        ([[0.4], [0.5], [NAN]], [False, True], [False, True, None]),
        ([0.4, 0.6], ["no", "yes"], ["no", "yes"]),
        ([[[0.9, 0.1], [0.2, 0.8]]], ["a", "b"], [["a", "b"]]),
    ],
)
def test_the_most_likely_class_is_named(
    tmp_path: Path, values: Any, classes: Any, expected: Any
) -> None:
    assert write(tmp_path, values, classes) == expected


def test_a_threshold_of_logits_decides(tmp_path: Path) -> None:
    assert write(tmp_path, [[-0.1], [0.1]], ["no", "yes"], 0.0) == ["no", "yes"]
