"""The batches of an evaluation, as an observer sees them."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from worker.training.inference.observation import Array, observe


class Seen:
    """Keeps what it sees."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, Array, Array, Array | None]] = []

    def observe(self, output: str, target: Array, predicted: Array, weights: Array | None) -> None:
        self.batches.append((output, target, predicted, weights))

    def get_state(self) -> Mapping[str, Array]:
        return {}

    def set_state(self, arrays: Mapping[str, Array]) -> None:
        assert not arrays


def test_targets_predictions_and_weights_pass_by_in_order() -> None:
    words = keras.Input((None,), name="words", dtype="int32")
    vectors = layers.Embedding(10, 3, mask_zero=True)(words)
    tags = layers.Dense(2)(vectors)
    mean = layers.Dense(1)(layers.GlobalAveragePooling1D()(vectors))
    model = keras.Model([words], {"tags": tags, "mean": mean, "spare": mean})
    model.compile(loss={"tags": "mse", "mean": "mse", "spare": None})
    seen = Seen()
    step = tf.function(observe(model, model.test_step, seen), autograph=False)
    x = np.array([[1, 2, 0], [3, 4, 5]], np.int32)
    y = {"tags": np.ones((2, 3, 2), np.float32), "mean": np.zeros((2, 1), np.float32)}
    trust = np.array([[0.5], [2]], np.float32)
    for _ in range(2):
        step(((x,), {**y, "spare": None}, {"tags": trust, "mean": None, "spare": None}))

    assert [batch[0] for batch in seen.batches] == ["tags", "mean"] * 2
    expected = model.predict(x, verbose=0)
    for name, target, predicted, weights in seen.batches:
        np.testing.assert_array_equal(target, y[name])
        np.testing.assert_allclose(predicted, expected[name], rtol=1e-5)
        if name == "tags":
            np.testing.assert_array_equal(weights, [[0.5, 0.5, 0], [2, 2, 2]])
        else:
            assert weights is None
    assert "compute_metrics" not in vars(model)
