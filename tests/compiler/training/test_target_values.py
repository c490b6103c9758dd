"""The target values of losses and metrics, by what Keras computes of others."""

from typing import Any

import keras
import numpy as np
import pytest

from compiler.training.target_values import find_value_range
from compiler.training.targets import Pair, Spec
from domain.check import ColumnSpec
from domain.dataset import Column
from domain.job.recipe import Component, NameOrComponent


def pair(*row: int) -> Pair:
    return Pair("y", Spec((None, *row), "float32"), "t", ColumnSpec(dtype="int64", shape=[*row]))


def takes(spec: NameOrComponent, low: float, high: float, compared: Pair | None = None) -> bool:
    column = Column(name="t", dtype="float32", shape=[], min=low, max=high)
    return all(item.contains(column) for item in find_value_range(spec, compared or pair(1)))


@pytest.mark.parametrize(
    ("spec", "taken", "others"),
    [
        ("hinge", (-1, 1), (1, 2)),
        ("SquaredHinge", (0, 1), (-2, 1)),
        (Component(type="CategoricalHinge"), (0, 1), (0, 2)),
        ("Dice", (0, 1), (0, 255)),
        ("tversky", (0, 1), (-1, 1)),
        ("kl_divergence", (0.1, 0.9), (0, 1.5)),
        ("kld", (0, 1), (-0.1, 1)),
        ("poisson", (0, 9), (-1, 9)),
        ("msle", (0, 9), (-0.5, 9)),
        ("MeanSquaredLogarithmicError", (3, 4), (-3, 4)),
        ("mape", (1, 9), (0, 9)),
        ("mean_absolute_percentage_error", (-3, -1), (-3, 0)),
        ("AUC", (0, 1), (1, 2)),
        ("Precision", (0, 1), (-1, 1)),
        ("accuracy", (0, 1), (-1, 1)),
        ("F1Score", (0, 1), (0, 3)),
        ("BinaryIoU", (0, 1), (0, 2)),
        (Component(type="MeanIoU", config={"num_classes": 4}), (0, 3), (0, 4)),
        ("mse", (-9, 9), None),
        ("cosine_similarity", (-9, 9), None),
        (Component(type="MeanIoU", config={"num_classes": 4, "ignore_class": 255}), (0, 255), None),
    ],
)
def test_the_values_that_a_loss_or_metric_takes(
    spec: NameOrComponent, taken: Any, others: Any
) -> None:
    assert takes(spec, *taken)
    assert others is None or not takes(spec, *others)


def test_labels_of_ctc_are_classes() -> None:
    assert takes("ctc", 0, 9, pair(20, 10))
    assert not takes("ctc", 0, 10, pair(20, 10))
    assert not takes("CTC", -1, 9, pair(20, 10))


def test_keras_computes_something_else_of_other_values() -> None:
    """What the warnings say of Keras is true."""

    def loss(name: str, target: Any, output: Any) -> Any:
        return np.asarray(keras.losses.get(name)(np.array(target), np.array(output))).tolist()

    assert loss("msle", [[-0.5]], [[0.5]]) == loss("msle", [[0.0]], [[0.5]])
    assert loss("kld", [[3.0]], [[0.5]]) == loss("kld", [[1.0]], [[0.5]])
    assert loss("mape", [[0.0]], [[1.0]])[0] > 1e8
    assert np.isnan(loss("poisson", [[1.0]], [[-0.5]])[0])
    assert loss("dice", [[255.0, 0.0]], [[1.0, 0.0]]) < 0
    precision = keras.metrics.Precision()
    precision.update_state([[-1.0], [1.0]], [[0.9], [0.9]])
    assert float(precision.result()) == 1
    unions = keras.metrics.MeanIoU(2, sparse_y_pred=True)
    unions.update_state([0, 1, 5], [0, 1, 1])
    assert float(unions.result()) == pytest.approx(1)
