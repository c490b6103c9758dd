"""What the check accepts, Keras computes: every loss and metric with many shapes and dtypes."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

from compiler.keras_private import make_compiled_metric
from compiler.training.check import check_training
from compiler.training.components import LOSSES, METRICS
from domain.check import ColumnSpec, Training
from domain.job.recipe import Component, OutputRecipe, Recipe
from tests.compiler.graphs import build_graph, graph, layer, node

ROWS = (1, 2, 7)
COLUMNS: list[tuple[list[int], list[list[int]]]] = [
    ([1], [[], [1], [3]]),
    ([3], [[], [1], [3]]),
    ([5, 1], [[5], [5, 1]]),
    ([5, 3], [[5], [5, 1], [5, 3]]),
    ([2, 4, 3], [[2, 4], [2, 4, 1], [2, 4, 3]]),
]
"""The shape of an output, and of targets."""
DTYPES = ("float32", "int64", "bool")
CONFIGS: dict[str, dict[str, Any]] = {
    "IoU": {"num_classes": 3, "target_class_ids": [0]},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0]},
    "BinaryIoU": {"target_class_ids": [0]},
    "MeanIoU": {"num_classes": 3, "sparse_y_pred": False},
    "OneHotMeanIoU": {"num_classes": 3},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "MeanRelativeError": {"normalizer": [1.0]},
    "CategoricalGeneralizedCrossEntropy": {"q": 0.5},
}


def make_model(row: list[int]) -> Any:
    """Build a model whose output has rows of a shape, as probabilities."""
    made = layer("Activation", activation="sigmoid" if row[-1] == 1 else "softmax")
    return build_graph(graph({"x": [*row]}, [node("y", made, "x")], ["y"]))


MODELS = {tuple(row): make_model(row) for row, _ in COLUMNS}


def list_targets() -> Iterator[tuple[list[int], list[int], str]]:
    for row, columns in COLUMNS:
        for column in columns:
            yield from ((row, column, dtype) for dtype in DTYPES)


def is_accepted(output: OutputRecipe, row: list[int], column: list[int], dtype: str) -> bool:
    recipe = Recipe(optimizer="sgd", jit_compile=False, inputs={"x": ["x"]}, outputs={"y": output})
    columns = {"y": ColumnSpec(dtype=dtype, shape=column)}
    found = check_training(
        Training(recipe=recipe, callbacks=[], targets=columns), MODELS[tuple(row)]
    )
    target = found.targets.get("y")
    return not found.faults and not (target and target.faults)


def draw(rows: int, row: list[int], column: list[int], dtype: str) -> tuple[Any, Any]:
    """Draw targets of 0 and 1, or one-hot, and the output as probabilities."""
    random = np.random.default_rng(rows)
    output = random.dirichlet(np.ones(row[-1] + (row[-1] == 1)), (rows, *row[:-1]))[..., : row[-1]]
    target: Any = random.integers(0, 2, (rows, *column))
    if column == row and row[-1] > 1:
        target = np.eye(row[-1])[random.integers(0, row[-1], (rows, *row[:-1]))]
    return target.astype(dtype), output.astype("float32")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(METRICS.classes))
def test_every_accepted_metric_is_computed(name: str) -> None:
    spec = Component(type=name, config=CONFIGS.get(name, {}))
    for row, column, dtype in list_targets():
        if not is_accepted(OutputRecipe(target="y", metrics=[spec]), row, column, dtype):
            continue
        for rows in ROWS:
            target, predicted = draw(rows, row, column, dtype)
            if row[-1] == 1 and len(column) < len(row):
                target = target[..., np.newaxis]  # as the training process feeds it
            metric = make_compiled_metric(METRICS.make(spec, ()), target, predicted)
            metric.update_state(keras.ops.convert_to_tensor(target), predicted)
            assert np.isfinite(np.asarray(metric.result())).all(), (row, column, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*LOSSES.classes} - {"CTC", "Circle"}))
def test_every_accepted_loss_is_the_mean_of_its_rows(name: str) -> None:
    """Each row alone gives the value that the rows together have in the mean."""
    spec = Component(type=name, config=CONFIGS.get(name, {}))
    for row, column, dtype in list_targets():
        if not is_accepted(OutputRecipe(loss=spec, target="y"), row, column, dtype):
            continue
        target, predicted = draw(7, row, column, dtype)
        expands = len(column) < len(row) and row[-1] == 1
        fed = target[..., np.newaxis] if expands else target
        loss: Any = LOSSES.make(spec, ())
        whole = float(loss(fed, predicted))
        each = [float(loss(fed[i : i + 1], predicted[i : i + 1])) for i in range(7)]
        assert np.isfinite(whole), (row, column, dtype)
        if name not in ("Dice", "Tversky"):  # they compare a batch as a whole
            assert whole == pytest.approx(np.mean(each), rel=1e-4, abs=1e-6), (row, column, dtype)
