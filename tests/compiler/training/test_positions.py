"""The shape of a loss's values is that of Keras's loss without reduction."""

from typing import Any

import numpy as np
import pytest

from compiler.training.components import LOSSES, make_loss
from compiler.training.positions import find_positions
from compiler.training.targets import Pair, Spec, find_weighting
from domain.check import ColumnSpec
from domain.job.recipe import Component, NameOrComponent
from domain.job.targets import ClassWeighting

SPARSE = "sparse_categorical_crossentropy"


def pair(output: list[int | None], column: list[int], dtype: str = "float32") -> Pair:
    spec = Spec((None, *output), "float32")
    return Pair("y", spec, "t", ColumnSpec(dtype=dtype, shape=column))


@pytest.mark.parametrize(
    ("loss", "output", "column", "expected"),
    [
        ("mse", [1], [], (None,)),
        ("mse", [], [], (None,)),
        ("mse", [3], [3], (None,)),
        ("mse", [5, 1], [5], (None, 5)),
        ("mse", [5, 3], [5, 3], (None, 5)),
        ("mse", [None, 3], [5, 3], (None, 5)),
        ("binary_crossentropy", [5, 1], [5], (None, 5)),
        ("crossentropy", [5, 3], [5, 3], (None, 5)),
        (SPARSE, [5, 3], [5], (None, 5)),
        (SPARSE, [5, 3], [5, 1], (None, 5)),
        (SPARSE, [4, 6, 3], [4, 6], (None, 4, 6)),
        ("CategoricalCrossentropy", [4, 6, 3], [4, 6, 3], (None, 4, 6)),
        (Component(type="Dice"), [4, 6, 3], [4, 6, 3], None),
        (Component(type="Dice", config={"axis": [1, 2, 3]}), [4, 6, 3], [4, 6, 3], (None,)),
        (Component(type="Dice", config={"axis": [0, 1]}), [4, 6, 3], [4, 6, 3], None),
        ("ctc", [20, 10], [7], (None,)),
    ],
)
def test_positions(loss: NameOrComponent, output: Any, column: list[int], expected: Any) -> None:
    dtype = "int64" if loss in (SPARSE, "ctc") else "float32"
    found = find_positions(loss, pair(output, column, dtype))
    assert (None if found is None else found.shape) == expected


def test_a_target_without_the_last_axis_of_its_output_gets_it() -> None:
    for output, column, expected in (
        ([5, 1], [5], True),
        ([5, 1], [5, 1], False),
        ([1], [], True),
        ([], [], True),
        ([5, 3], [5, 3], False),
    ):
        found = find_positions("mse", pair([*output], [*column]))
        assert found is not None
        assert found.expands_target is expected


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(LOSSES.classes) - {"CTC", "Circle"}))
@pytest.mark.parametrize("steps", [(), (5,), (4, 6)])
def test_positions_are_those_of_keras_without_reduction(name: str, steps: tuple[int, ...]) -> None:
    is_sparse = name.startswith("Sparse") or name == "CategoricalGeneralizedCrossEntropy"
    shape, column = (7, *steps, 3), steps if is_sparse else (*steps, 3)
    config: dict[str, Any] = {"reduction": "none"}
    if name == "CategoricalGeneralizedCrossEntropy":
        config["q"] = 0.5
    made: Any = make_loss(Component(type=name, config=config))
    random = np.random.default_rng(0)
    values = made(random.integers(0, 2, (7, *column)), random.random(shape).astype("float32"))
    dtype = "int64" if is_sparse else "float32"
    spec = Component(type=name, config=config)
    positions = find_positions(spec, pair([*steps, 3], [*column], dtype))
    found = None if positions is None else positions.shape
    expected = tuple(values.shape)
    assert found == ((None, *expected[1:]) if expected[:1] == (7,) else None)


@pytest.mark.parametrize(
    ("loss", "output", "expected"),
    [
        (SPARSE, [5, 3], ClassWeighting(by="class", classes=3)),
        ("CategoricalCrossentropy", [3], ClassWeighting(by="class", classes=3)),
        ("categorical_hinge", [3], ClassWeighting(by="class", classes=3)),
        ("binary_crossentropy", [1], ClassWeighting(by="class", classes=2)),
        ("BinaryFocalCrossentropy", [5, 1], ClassWeighting(by="class", classes=2)),
        ("bce", [3], ClassWeighting(by="multi-hot", classes=3)),
        ("mse", [1], ClassWeighting(by="number")),
        ("mse", [], ClassWeighting(by="number")),
        ("mse", [3], ClassWeighting(by="largest", classes=3)),
        ("CTC", [20, 10], ClassWeighting(by="sequence")),
    ],
)
def test_the_classes_of_a_target(loss: str, output: Any, expected: ClassWeighting) -> None:
    assert find_weighting(loss, pair(output, [])) == expected
