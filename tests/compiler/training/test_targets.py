"""Targets must have the shape and the values that the loss of their output takes."""

from typing import Any

import pytest

from compiler.training.components import LOSSES
from compiler.training.targets import (
    Pair,
    Spec,
    check_target,
    find_misfits,
    find_single_class,
    name_by_shapes,
)
from domain.check import ColumnSpec
from domain.job.targets import TargetCheck

SPARSE = "sparse_categorical_crossentropy"
BINARY = "binary_crossentropy"


def pair(output: list[int | None], column: list[int], dtype: str = "int64") -> Pair:
    spec = Spec((None, *output), "float32")
    return Pair("y", spec, "t", ColumnSpec(dtype=dtype, shape=column))


def check(loss: str, compared: Pair, **config: Any) -> TargetCheck:
    """Return the check of a target that Keras's loss accepts."""
    made = LOSSES.make(loss, ())
    assert list(find_misfits(loss, made if callable(made) else _function(loss), compared, ())) == []
    return check_target(loss, config, compared)


def _function(loss: str) -> Any:
    import keras

    return keras.losses.get(loss)


@pytest.mark.parametrize(
    ("loss", "output", "column", "values", "classes"),
    [
        (SPARSE, [10], [], "class index", 10),
        (SPARSE, [10], [1], "class index", 10),
        (SPARSE, [20, 10], [20], "class index", 10),
        (SPARSE, [20, None], [20], "class index", None),
        (BINARY, [1], [], "share", None),
        ("bce", [1], [1], "share", None),
        ("categorical_crossentropy", [10], [10], "share", None),
        ("categorical_hinge", [10], [10], None, None),
        ("mse", [None, 10], [12, 10], None, None),
        ("mse", [1], [], None, None),
        ("mse", [], [], None, None),
    ],
)
def test_fitting_shapes_have_no_fault(
    loss: str, output: Any, column: list[int], values: Any, classes: int | None
) -> None:
    dtype = "int64" if values == "class index" else "float32"
    found = check(loss, pair(output, column, dtype))
    assert found == TargetCheck(values=values, classes=classes)


@pytest.mark.parametrize(
    ("loss", "output", "column", "words"),
    [
        ("mse", [10], [], "[] in each row; output 'y' has [10]"),
        ("mse", [1], [3], "[3] in each row; output 'y' has [1]"),
        ("mse", [4, 1], [1, 1], "[1, 1] in each row; output 'y' has [4, 1]"),
        (SPARSE, [1, 10], [], "class indices of output 'y' have [1]"),
    ],
)
def test_shapes_that_keras_would_broadcast_are_refused(
    loss: str, output: Any, column: list[int], words: str
) -> None:
    dtype = "int64" if loss == SPARSE else "float32"
    (fault,) = check(loss, pair(output, column, dtype)).faults
    assert words in fault


def test_ignored_class_may_lie_outside_the_classes() -> None:
    assert check_target(SPARSE, {"ignore_class": 255}, pair([10], [])).classes is None


@pytest.mark.parametrize("loss", ["ctc", "CTC", "Circle"])
def test_losses_with_other_target_shapes_are_not_checked(loss: str) -> None:
    assert check_target(loss, {}, pair([20, 10], [7])) == TargetCheck()


def test_class_indices_need_more_than_one_class() -> None:
    (fault,) = find_single_class(SPARSE, pair([1], []), ("compile", "loss", "y"))
    assert fault.pointer == "/compile/loss/y"
    assert "binary_crossentropy" in fault.detail
    assert list(find_single_class(BINARY, pair([1], []), ())) == []
    assert list(find_single_class(SPARSE, pair([10], []), ())) == []


@pytest.mark.parametrize(
    ("output", "column", "name"),
    [
        ([1], [], "binary_crossentropy"),
        ([10], [], SPARSE),
        ([10], [1], SPARSE),
        ([10], [10], "categorical_crossentropy"),
        ([], [], "categorical_crossentropy"),
    ],
)
def test_crossentropy_is_chosen_by_the_shapes(output: Any, column: list[int], name: str) -> None:
    assert name_by_shapes("crossentropy", pair(output, column)) == name


@pytest.mark.parametrize("loss", ["crossentropy", SPARSE, BINARY, "mse"])
def test_output_of_single_numbers_raises_no_error(loss: str) -> None:
    compared = pair([], [], "int64")
    name = name_by_shapes(loss, compared) if loss == "crossentropy" else loss
    list(find_misfits(name, _function(name), compared, ()))
    list(find_single_class(name, compared, ()))
    check_target(name, {}, compared)
