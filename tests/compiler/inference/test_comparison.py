"""Two implementations of a model are compared strictly, but for unavoidable rounding."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from compiler.inference.comparison import Difference, Run, compare_batch

ROWS = np.array([0.0, 1.0, -2.5], np.float32)


def make_run(function: Callable[[Any], Any]) -> Run:
    def run(inputs: Any) -> Any:
        with np.errstate(all="ignore"):
            return {"y": function(inputs[0])}

    return run


def shift(by: float) -> Callable[[Any], Any]:
    return lambda x: (x + by).astype(x.dtype)


def fail(_: Any) -> Any:
    raise ValueError


def test_equal_results_agree() -> None:
    assert compare_batch(make_run(np.log), make_run(np.log), [ROWS])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (shift(0.0), shift(1e-3)),
        (lambda x: x, lambda x: x.astype(np.float64)),
        (lambda x: x, lambda x: x[:, None]),
        (lambda x: np.where(x == 0, np.nan, x), lambda x: x),
        (lambda x: x, lambda x: np.where(x == 0, np.inf, x)),
        (lambda x: x > 0, lambda x: x >= 0),
        (lambda x: x, fail),
        (fail, lambda x: x),
    ],
)
def test_differences_are_told(wanted: Any, found: Any) -> None:
    with pytest.raises(Difference):
        compare_batch(make_run(wanted), make_run(found), [ROWS])


def test_large_whole_numbers_must_be_equal() -> None:
    rows = np.array([2**53 + 1], np.int64)
    with pytest.raises(Difference):
        compare_batch(make_run(lambda x: x), make_run(lambda x: x - 1), [rows])


def test_rounding_of_the_inputs_may_change_an_output() -> None:
    """The sine of a large number has no right value at this precision."""
    rows = np.array([1e7], np.float32)
    assert compare_batch(make_run(np.sin), make_run(lambda x: np.sin(x + 1)), [rows])


def test_rows_that_keras_cannot_compute_are_left_out() -> None:
    def compute_positive(x: Any) -> Any:
        if (x < 0).any():
            raise ValueError
        return x

    both = make_run(compute_positive)
    assert compare_batch(both, both, [ROWS])
    assert not compare_batch(both, both, [ROWS[2:]])
    with pytest.raises(Difference):
        compare_batch(both, make_run(lambda x: x), [ROWS])


def test_a_vector_with_a_nan_may_be_nan_as_a_whole() -> None:
    """TensorFlow's softmax leaves zeros beside a NaN on some processors."""
    rows = np.array([[np.nan, 0.0, 0.0], [0.2, 0.3, 0.5]], np.float32)
    lost = make_run(lambda x: np.where(np.isnan(x).any(-1, keepdims=True), np.nan, x))
    assert compare_batch(make_run(lambda x: x), lost, [rows])
    with pytest.raises(Difference):
        compare_batch(lost, make_run(lambda x: x), [rows])
    with pytest.raises(Difference):
        compare_batch(make_run(lambda x: x), make_run(lambda x: x * np.nan), [rows])
