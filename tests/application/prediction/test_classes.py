import numpy as np
import pytest

from application.prediction.classes import name_classes
from domain.model import Preparation

KINDS = ["a", "b", "c"]


def test_the_largest_of_several_units_is_the_class() -> None:
    outputs = {"y": np.array([[0.1, 0.7, 0.2], [0.5, 0.5, 0.0]], np.float32)}
    assert name_classes(outputs, Preparation(classes={"y": [*KINDS]})) == {"y": ["b", "a"]}


def test_each_step_of_a_sequence_has_a_class() -> None:
    outputs = {"y": np.eye(3, dtype=np.float32)[[[0, 2], [1, 1]]]}
    found = name_classes(outputs, Preparation(classes={"y": [*KINDS]}))
    assert found == {"y": [["a", "c"], ["b", "b"]]}


@pytest.mark.parametrize("shape", [(4, 1), (4,)])
@pytest.mark.parametrize(("threshold", "first"), [(None, [0, 0, 1, 1]), (0.0, [0, 1, 1, 1])])
def test_one_unit_is_compared_with_a_threshold(
    shape: tuple[int, ...], threshold: float | None, first: list[int]
) -> None:
    outputs = {"y": np.array([-1, 0.2, 0.5, 3], np.float32).reshape(shape)}
    thresholds = {} if threshold is None else {"y": threshold}
    made = Preparation(classes={"y": ["no", "yes"]}, thresholds=thresholds)
    assert name_classes(outputs, made)["y"] == [["no", "yes"][i] for i in first]


def test_a_unit_without_a_class_and_a_nan_have_no_name() -> None:
    """A sparse loss takes more units than classes."""
    values = np.array([[0.1, 0.6, 0.1, 0.2], [0.1, 0.2, 0.1, 0.6], [0.9, np.nan, 0, 0]], np.float32)
    outputs = {"y": values, "z": np.array([0.7, np.nan, 0.2], np.float32)}
    made = Preparation(classes={"y": [*KINDS], "z": ["no", "yes"]})
    assert name_classes(outputs, made) == {"y": ["b", None, None], "z": ["yes", None, "no"]}
