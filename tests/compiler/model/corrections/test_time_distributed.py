"""`TimeDistributed` over an unknown number of steps calls its layer on every step."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from compiler.inference.forward import make_forward
from tests.compiler.graphs import build_graph, graph, layer, node

ONES = layer("TimeDistributed", layer=layer("Dense", units=2, kernel_initializer="ones"))
SUMS = graph({"x": [None, 3]}, [node("y", ONES, "x")], ["y"])
STEPS = np.arange(1.0, 5.0, dtype=np.float32)


def make_rows(rows: int, steps: int) -> Any:
    return np.tile(STEPS[:steps, None], (rows, 1, 3))


@pytest.mark.parametrize(("rows", "steps"), [(2, 4), (3, 2), (1, 4), (64, 1)])
def test_each_step_gives_a_step(rows: int, steps: int) -> None:
    found = make_forward(build_graph(SUMS).model)([make_rows(rows, steps)])["y"]
    wanted = np.tile(3 * STEPS[:steps, None], (rows, 1, 2))
    np.testing.assert_array_equal(found, wanted)


def test_saved_file_predicts_each_step_in_keras(tmp_path: Path) -> None:
    build_graph(SUMS).model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    found = loaded.predict([make_rows(2, 4)], verbose=0)["y"]
    np.testing.assert_array_equal(found, np.tile(3 * STEPS[:, None], (2, 1, 2)))


def test_training_updates_statistics_step_by_step() -> None:
    """Batch normalization sees the steps one after the other, as with a known length."""
    made = layer("TimeDistributed", layer=layer("BatchNormalization"))
    rows = np.random.default_rng(0).random((2, 4, 3)).astype(np.float32)
    results = []
    for steps in (4, None):
        model = build_graph(graph({"x": [steps, 3]}, [node("y", made, "x")], ["y"])).model
        call = tf.function(
            lambda x, model=model: model([x], training=True)["y"],
            input_signature=[tf.TensorSpec([None, steps, 3])],
            autograph=False,
        )
        results.append([call(rows).numpy(), *model.get_weights()])
    for known, unknown in zip(*results, strict=True):
        np.testing.assert_allclose(unknown, known, rtol=1e-5, atol=1e-6)
