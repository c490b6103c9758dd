import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from domain.job.recipe import OutputRecipe, Recipe
from tests.worker.child import in_child
from tests.worker.training_tasks import Jobs
from worker.protocol.tasks import ColumnFiles
from worker.training.rows.prepared import open_feed


def recipe(**output: Any) -> Recipe:
    return Recipe(
        optimizer="sgd",
        jit_compile=False,
        inputs={"x": ["pixels"], "z": ["words"]},
        outputs={"y": OutputRecipe(loss="mse", target="label", **output), "spare": OutputRecipe()},
    )


def columns() -> dict[str, Any]:
    return {
        "pixels": np.arange(60, dtype=np.uint8).reshape(10, 6),
        "words": np.arange(20, dtype=np.int64).reshape(10, 2),
        "label": np.arange(10, dtype=np.float64) % 3,
        "weight": np.arange(10, dtype=np.float64) / 10,
    }


DTYPES = {"x": "float32", "z": "int32"}


@pytest.mark.parametrize("constant_bytes", [10**6, 100, 0])
def test_a_batch_contains_the_requested_rows(jobs: Jobs, constant_bytes: int) -> None:
    files = jobs.columns(columns())
    made = recipe(sample_weight="weight", class_weight={"2": 10.0})
    feed = open_feed(made, DTYPES, files, range(8), constant_bytes=constant_bytes)
    (x, z), y, weights = tf.function(feed.gather_batch)(tf.constant([7, 0, 2], tf.int64))

    assert feed.rows == 8
    assert (x.dtype, z.dtype, y["y"].dtype) == (tf.float32, tf.int32, tf.float32)
    assert np.array_equal(x, columns()["pixels"][[7, 0, 2]])
    assert np.array_equal(z, columns()["words"][[7, 0, 2]])
    assert y["y"].numpy().tolist() == [1.0, 0.0, 2.0]
    assert y["spare"] is None
    assert weights is not None
    assert np.allclose(weights["y"], [0.7, 0.0, 2.0])
    assert weights["spare"] is None


def test_class_weights_do_not_apply_in_validation(jobs: Jobs) -> None:
    files = jobs.columns(columns())
    made = recipe(class_weight={"2": 10.0})
    _, _, weights = open_feed(made, DTYPES, files, training=False).gather_batch(
        tf.constant([0], tf.int64)
    )

    assert weights is None


def test_a_symbolic_batch_has_the_shapes_and_dtypes_of_a_batch(jobs: Jobs) -> None:
    files = jobs.columns(columns())
    feed = open_feed(recipe(), DTYPES, files)
    (x, z), y, weights = feed.make_symbolic_batch(4)
    (real_x, real_z), real_y, _ = feed.gather_batch(tf.constant([1, 2, 3, 4], tf.int64))

    assert isinstance(x, keras.KerasTensor)
    for made, real in ((x, real_x), (z, real_z), (y["y"], real_y["y"])):
        assert (made.shape, made.dtype) == (tuple(real.shape), real.dtype.name)
    assert weights is None


def anonymous_growth(file: Path) -> int:
    """Bytes of anonymous memory that opening and reading all of a column takes."""
    made = Recipe(
        optimizer="sgd",
        jit_compile=False,
        inputs={"x": ["x"]},
        outputs={"y": OutputRecipe(loss="mse", target="x")},
    )
    read = tf.function(lambda feed, indices: tf.reduce_sum(feed.gather_batch(indices)[0][0]))
    tf.constant(0)  # the context exists
    before = _anonymous()
    feed = open_feed(
        made,
        {"x": "float32"},
        {"x": ColumnFiles("float32", (32_768,), {"values": file})},
        constant_bytes=2**20,
    )
    for start in range(0, feed.rows, 16):
        read(feed, tf.range(start, start + 16, dtype=tf.int64))
    return _anonymous() - before


def _anonymous() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts anonymous memory by /proc")
def test_a_large_column_is_read_from_disk(tmp_path: Path) -> None:
    """Batches need the same memory for any number of rows, which a small column measures."""
    grown = {}
    for rows in (320, 2_560):  # 40 and 320 MiB
        file = tmp_path / f"{rows}.npy"
        np.save(file, np.ones((rows, 32_768), np.float32))
        grown[rows] = in_child(anonymous_growth, file)
    assert grown[2_560] - grown[320] < 64 * 2**20
