from typing import Any

import numpy as np
import pytest

from domain.job.recipe import OutputRecipe
from worker.training.sample_weights import compute_class_weights, compute_sample_weights


def keras_class_weights(target: Any, weights: dict[str, float]) -> Any:
    from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

    by_index = {int(index): weight for index, weight in weights.items()}
    return class_weight_to_sample_weights(target, by_index)


@pytest.mark.parametrize(
    "target",
    [
        np.array([0, 2, 1, 2]),
        np.array([[0.0], [2.0], [1.0], [7.0]]),
        np.eye(3)[[0, 2, 1, 2]],
    ],
    ids=["indices", "column", "one-hot"],
)
def test_class_weights_are_those_of_keras(target: Any) -> None:
    weights = {"1": 0.5, "2": 3.0}

    ours = compute_class_weights(target, weights)
    assert np.array_equal(ours, keras_class_weights(target, weights))
    assert {0.5, 1.0} <= set(ours.tolist())


def test_sample_weights_are_multiplied_by_class_weights() -> None:
    output = OutputRecipe(
        loss="mse", target="label", sample_weight="trust", class_weight={"2": 10.0}
    )
    arrays = {"label": np.array([0.0, 2.0]), "trust": np.array([0.5, 0.5])}

    both = compute_sample_weights(output, arrays, apply_class_weights=True)
    column = compute_sample_weights(output, arrays, apply_class_weights=False)

    assert both is not None
    assert both.tolist() == [0.5, 5.0]
    assert column is arrays["trust"]
