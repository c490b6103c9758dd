"""Weights must fit the values of the loss, and class weights the classes of the target."""

from typing import Any

import pytest

from domain.dataset import Column
from domain.job.targets import ClassWeighting, TargetCheck
from domain.job.weights import (
    find_class_weight_doubts,
    find_class_weight_misfits,
    find_sample_weight_doubts,
    find_sample_weight_misfits,
    is_class_index,
)


def column(
    shape: list[int], dtype: str = "float32", high: float | None = 1, low: float | None = 0
) -> Column:
    return Column(name="w", dtype=dtype, shape=shape, min=low, max=high)


@pytest.mark.parametrize("text", ["0", "7", "10", "999999999"])
def test_class_indices_are_whole_numbers(text: str) -> None:
    assert is_class_index(text)


@pytest.mark.parametrize(
    "text", ["²", "٣", "-1", "+1", "01", " 1", "1 ", "1\n", "1.0", "", "a", "9" * 5000]
)
def test_other_texts_are_no_class_indices(text: str) -> None:
    assert not is_class_index(text)


@pytest.mark.parametrize(
    ("shape", "positions"),
    [
        ([], []),
        ([1], []),
        ([], [5]),
        ([1], [5]),
        ([5], [5]),
        ([5, 1], [5]),
        ([], [4, 4]),
        ([4], [4, 6]),
        ([4, 6], [4, 6]),
        ([4, 6, 1], [4, 6]),
        ([9], [None]),
    ],
)
def test_fitting_sample_weights(shape: list[int], positions: Any) -> None:
    check = TargetCheck(positions=positions)
    assert list(find_sample_weight_misfits(column(shape), "y", check)) == []


@pytest.mark.parametrize(
    ("shape", "positions", "words"),
    [
        ([5], [], "single number."),
        ([4], [5], "a weight for each position has [5]"),
        ([6], [4, 6], "has [4, 6]"),
        ([5, 3], [5], "has [5]"),
        ([], None, "one number for a whole batch"),
    ],
)
def test_other_sample_weights_are_refused(shape: list[int], positions: Any, words: str) -> None:
    (text,) = find_sample_weight_misfits(column(shape), "y", TargetCheck(positions=positions))
    assert words in text


def test_weights_are_numbers() -> None:
    (text,) = find_sample_weight_misfits(column([], "<U3"), "y", TargetCheck())
    assert "weights are numbers" in text


@pytest.mark.parametrize(
    ("weighting", "positions", "words"),
    [
        (ClassWeighting(by="class", classes=3), [], "There is no class 7: output 'y' has 3"),
        (ClassWeighting(by="largest", classes=3), [], "There is no class 7"),
        (ClassWeighting(by="multi-hot", classes=9), [], "several classes at once"),
        (ClassWeighting(by="sequence"), [], "several classes"),
        (ClassWeighting(by="class", classes=9), None, "whole batch"),
    ],
)
def test_class_weights_that_cannot_apply_are_refused(
    weighting: ClassWeighting, positions: Any, words: str
) -> None:
    check = TargetCheck(weighting=weighting, positions=positions)
    (text,) = find_class_weight_misfits({"1": 2.0, "7": 2.0}, "y", check)
    assert words in text


def test_fitting_class_weights_have_no_fault() -> None:
    for weighting in (ClassWeighting(by="class", classes=8), ClassWeighting(by="number")):
        check = TargetCheck(weighting=weighting)
        assert list(find_class_weight_misfits({"7": 2.0}, "y", check)) == []


def test_doubtful_class_weights_have_a_warning() -> None:
    def find(weighting: ClassWeighting) -> list[str]:
        check = TargetCheck(weighting=weighting)
        return list(find_class_weight_doubts({"1": 2.0, "7": 2.0}, "y", column([], high=2), check))

    assert find(ClassWeighting(by="class", classes=8)) == []
    (largest,) = find(ClassWeighting(by="largest"))
    assert "the largest value" in largest
    (unused,) = find(ClassWeighting(by="number"))
    assert "name 7; column 'w' has no such class" in unused


def test_doubtful_sample_weights_have_a_warning() -> None:
    def find(low: float | None, high: float | None) -> list[str]:
        return list(find_sample_weight_doubts(column([], low=low, high=high), "y"))

    assert find(0, 1) == find(0.5, 2) == find(None, None) == []
    (negative,) = find(-0.5, 1)
    assert "weights below 0, from -0.5" in negative
    (zero,) = find(0, 0)
    assert "All weights of column 'w' are 0" in zero
