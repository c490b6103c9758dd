"""Numbers: equal to scikit-learn and NumPy."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from sklearn.datasets import load_diabetes, load_linnerud
from sklearn.linear_model import LinearRegression

from domain.report.outputs import NumbersReport
from tests.worker.training.reports.feeding import describe
from worker.training.reports.output import OutputSpec

Array = np.ndarray[Any, Any]


def check(
    report: NumbersReport, actual: Array, predicted: Array, weights: Array | None = None
) -> None:
    """Compares a report with scikit-learn's numbers, for arrays of shape (n, units)."""
    actual, predicted = actual.astype(np.float64), predicted.astype(np.float64)
    options: dict[str, Any] = {"sample_weight": weights}
    assert report.mae == pytest.approx(metrics.mean_absolute_error(actual, predicted, **options))
    root = metrics.root_mean_squared_error(actual, predicted, **options)
    assert report.rmse == pytest.approx(root)
    assert report.r2 == pytest.approx(metrics.r2_score(actual, predicted, **options))
    by_unit = metrics.r2_score(actual, predicted, multioutput="raw_values", **options)
    assert [one.r2 for one in report.units] == pytest.approx(by_unit.tolist())
    residuals = actual - predicted
    bias = np.average(residuals, axis=0, weights=weights)
    assert [one.bias for one in report.units] == pytest.approx(bias.tolist())
    check_histogram(report, residuals, weights)


def check_histogram(report: NumbersReport, residuals: Array, weights: Array | None) -> None:
    assert report.residuals is not None
    repeated = None if weights is None else np.repeat(weights, residuals.shape[1])
    edges = np.array(report.residuals.edges)
    expected, _ = np.histogram(residuals.reshape(-1), edges, weights=repeated)
    np.testing.assert_allclose(report.residuals.weights, expected, atol=1e-9)
    assert 1 <= len(report.residuals.weights) <= 52


@pytest.mark.parametrize("weighted", [False, True])
def test_diabetes(weighted: bool) -> None:
    inputs, targets = load_diabetes(return_X_y=True)
    predicted = LinearRegression().fit(inputs, targets).predict(inputs).astype(np.float32)
    weights = np.random.default_rng(0).random(len(targets)) if weighted else None
    spec = OutputSpec("numbers", 1, -1, "raw")
    report = describe(spec, targets, predicted[:, np.newaxis], weights, sizes=[33])
    check(report, targets[:, np.newaxis], predicted[:, np.newaxis], weights)
    pairs = report.pairs
    assert pairs.rows == list(range(len(targets)))
    assert pairs.actual == targets.tolist()
    assert pairs.predicted == predicted.tolist()


def test_linnerud_has_errors_by_unit() -> None:
    inputs, targets = load_linnerud(return_X_y=True)
    predicted = LinearRegression().fit(inputs, targets).predict(inputs).astype(np.float32)
    report = describe(OutputSpec("numbers", 3, -1, "raw"), targets, predicted)
    check(report, targets, predicted)
    places = zip(report.pairs.rows, report.pairs.units, strict=True)
    assert [targets[place] for place in places] == report.pairs.actual


def test_pixels_of_a_wide_output_are_compared_together() -> None:
    random = np.random.default_rng(0)
    targets = random.normal(size=(40, 3, 200))
    predicted = (targets + random.normal(size=targets.shape)).astype(np.float32)
    weights = random.random(40)
    report = describe(OutputSpec("numbers", scores="raw"), targets, predicted, weights, sizes=[9])
    repeated = np.repeat(weights, 600)
    check(report, targets.reshape(-1, 1), predicted.reshape(-1, 1), repeated)
    assert report.count == targets.size
    assert len(report.pairs.rows) == 500
    assert np.bincount(report.pairs.rows, minlength=40).max() < 50


def test_large_targets_keep_their_digits() -> None:
    """The sum of squares minus the square of the sum would lose them."""
    random = np.random.default_rng(0)
    targets = 1e8 + random.normal(size=5_000)
    predicted = targets + 0.3 * random.normal(size=5_000)
    report = describe(OutputSpec("numbers", scores="raw"), targets, predicted, sizes=[700])
    assert report.r2 == pytest.approx(metrics.r2_score(targets, predicted), rel=1e-6)


def test_equal_targets() -> None:
    spec, ones = OutputSpec("numbers", scores="raw"), np.ones(4)
    assert describe(spec, ones, ones).r2 == metrics.r2_score(ones, ones) == 1
    assert describe(spec, ones, ones + 1).r2 == metrics.r2_score(ones, ones + 1) == 0
    report = describe(spec, ones, ones)
    assert report.residuals.model_dump() == {"edges": [-0.5, 0.5], "weights": [4]}
    assert describe(spec, ones[:1], ones[:1]).r2 is None


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    targets = np.array([1, np.nan, 3, 4, 5], np.float32)
    predicted = np.array([1, 2, np.inf, 5, 6], np.float32)
    report = describe(OutputSpec("numbers", scores="raw"), targets, predicted)
    assert report.excluded.model_dump() == {"predictions": 1, "targets": 1, "weights": 0}
    assert (report.count, report.mae) == (3, pytest.approx(2 / 3))
    assert report.r2 == pytest.approx(metrics.r2_score([1, 4, 5], [1, 5, 6]))
    nothing = describe(OutputSpec("numbers", scores="raw"), targets[1:2], predicted[1:2])
    assert (nothing.count, nothing.r2, nothing.residuals) == (0, None, None)


def test_outliers_do_not_hide_the_other_residuals() -> None:
    random = np.random.default_rng(0)
    residuals = random.normal(size=100_000)
    residuals[:2] = [-1e6, 1e6]
    zeros = np.zeros_like(residuals)
    report = describe(OutputSpec("numbers", scores="raw"), residuals, zeros)
    check_histogram(report, residuals[:, np.newaxis], None)
    assert max(report.residuals.weights) < 10_000
    assert report.residuals.edges[0] == -1e6
    assert report.residuals.edges[-1] == 1e6
