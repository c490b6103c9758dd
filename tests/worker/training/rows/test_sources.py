"""Values by row: encoded, padded and side by side."""

from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.preprocessing import LabelEncoder

from domain.job.recipe import OutputRecipe, Recipe
from tests.worker.training_tasks import write_column
from worker.training.rows.prepared import open_columns, open_feed
from worker.training.rows.sources import ArraySource, ClassSource, ColumnSource, SideBySide


def test_texts_are_encoded_as_scikit_learn_encodes_them(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    names = random.choice(["setosa", "versicolor", "virginica", "ä", "", "日本"], 200).tolist()
    column = open_columns({"kind": write_column(tmp_path / "0.npy", names)})["kind"]
    encoder = LabelEncoder().fit(names)
    classes = encoder.classes_.tolist()
    rows = random.permutation(200)
    indices = ClassSource(ColumnSource(column), classes, one_hot=False).take(rows)
    one_hot = ClassSource(ColumnSource(column), classes, one_hot=True).take(rows)
    expected = encoder.transform(names)[rows]
    assert np.array_equal(indices, expected)
    assert np.array_equal(one_hot, keras.utils.to_categorical(expected, len(classes)))


@pytest.mark.parametrize("one_hot", [False, True])
def test_the_missing_class_of_a_row_that_is_dropped_is_read(tmp_path: Path, one_hot: bool) -> None:
    """Small columns are read whole, with the rows that are dropped."""
    names = ["u", None, "v", "u"]
    files = {"x": np.arange(4.0), "y": names}
    written = {name: write_column(tmp_path / f"{name}.npy", rows) for name, rows in files.items()}
    output = OutputRecipe(target="y", classes=["u", "v"], one_hot=one_hot)
    made = Recipe(
        optimizer="sgd",
        jit_compile=False,
        inputs={"x": ["x"]},
        outputs={"y": output},
        missing={"y": "drop"},
    )
    (x,), targets, _ = open_feed(made, {"x": "float32"}, written).gather_batch(np.arange(3))
    assert x.numpy().tolist() == [0.0, 2.0, 3.0]
    expected = np.eye(2)[[0, 1, 0]] if one_hot else np.array([0, 1, 0])
    assert np.array_equal(targets["y"].numpy(), expected)


@pytest.mark.parametrize("classes", [[30, 10, 20], [False, True]])
def test_numbers_and_booleans_have_the_index_of_their_place(classes: list[int | bool]) -> None:
    values = np.array(classes)[[2 % len(classes), 0, 1, 1]]
    source = ClassSource(ArraySource(values), classes, one_hot=False)
    assert source.take(np.arange(4)).tolist() == [2 % len(classes), 0, 1, 1]


def test_rows_of_any_length_are_padded_as_keras_pads_them(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [random.integers(1, 9, length) for length in (3, 0, 5, 1, 2)]
    column = open_columns({"x": write_column(tmp_path / "0.npy", rows)})["x"]
    source = ColumnSource(column)
    taken = np.array([3, 0, 4, 0])
    wanted = keras.utils.pad_sequences([rows[i] for i in taken], padding="post")
    assert source.shape == (None,)
    assert np.array_equal(source.take(taken), wanted)
    assert source.take(np.array([1])).tolist() == [[0]]
    assert column.count_items(np.arange(5)).tolist() == [3, 0, 5, 1, 2]


def test_columns_lie_side_by_side_along_the_last_axis() -> None:
    random = np.random.default_rng(0)
    single, several = random.random(6), random.integers(0, 9, (6, 3)).astype(np.uint8)
    source = SideBySide([ArraySource(single), ArraySource(several)], np.dtype(np.float64))
    rows = np.array([5, 1])
    assert source.shape == (4,)
    assert np.array_equal(source.take(rows), np.column_stack([single, several])[rows])
    pixels = ArraySource(several.reshape(6, 1, 3))
    both = SideBySide([pixels, pixels], np.dtype(np.float64))
    assert both.shape == (1, 6)
    assert both.dtype == np.dtype(np.uint8)
    assert np.array_equal(both.take(rows)[:, 0, 3:], several[rows])
