"""The list of operations that ONNX computes as TensorFlow does."""

import pytest
from tensorflow.python.framework import op_def_registry

from compiler.inference import onnx_operations
from compiler.inference.graph_operations import Use
from compiler.inference.onnx_operations import find_differing, needs_finite_values

LISTED = sorted({name for name, _ in onnx_operations.EQUAL | onnx_operations.EQUAL_IF_FINITE})


@pytest.mark.parametrize("name", LISTED)
def test_operation_and_argument_exist(name: str) -> None:
    operation, argument = name.split(".")
    definition = op_def_registry.get(operation)
    assert definition is not None
    names = {item.name for item in definition.input_arg}
    assert argument in names | {"positive", "valid indices"}


def test_operation_outside_the_list_is_found() -> None:
    division = Use("FloorDiv", "x", "float32")
    assert find_differing({Use("Tanh", "x", "float32"), division}) == division
    assert find_differing({Use("Tanh", "x", "float16")}) is not None
    assert find_differing({Use("Tanh", "x", "float32")}) is None


def test_largest_of_a_window_is_listed_without_non_finite_values_alone() -> None:
    pool, logarithm = Use("MaxPool", "input", "float32"), Use("Exp", "x", "float32")
    assert find_differing({pool}) is None
    assert needs_finite_values({pool})
    assert find_differing({pool, logarithm}) == pool
    assert not needs_finite_values({logarithm})


def test_nearest_pixels_are_listed_for_known_lengths_alone() -> None:
    resize = Use("ResizeNearestNeighbor", "images", "float32")
    assert find_differing({resize}) is None
    assert find_differing({resize}, has_unknown_lengths=True) == resize
