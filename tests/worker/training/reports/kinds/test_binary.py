"""Two classes: equal to scikit-learn."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from domain.report.outputs import BinaryReport
from tests.worker.training.reports.feeding import describe
from worker.training.reports.output import OutputSpec

Array = np.ndarray[Any, Any]
ROWS = 3_000


def draw(seed: int = 0, rows: int = ROWS) -> tuple[Array, Array, Array]:
    """Targets, probabilities with many ties, and weights, some of them 0."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, 2, rows)
    scores = np.clip(random.normal(0.35 + 0.3 * targets, 0.2), 0, 1).round(2)
    weights = random.random(rows).round(3) * random.integers(0, 2, rows)
    return targets, scores.astype(np.float32), weights


def check(report: BinaryReport, targets: Array, scores: Array, weights: Array | None) -> None:
    """Compares a report with scikit-learn's numbers."""
    predicted = scores >= 0.5
    expected = metrics.confusion_matrix(targets, predicted, sample_weight=weights)
    np.testing.assert_allclose(report.confusion_matrix, expected)
    scored = metrics.precision_recall_fscore_support(targets, predicted, sample_weight=weights)
    for one, row in zip(report.classes, np.transpose(scored), strict=True):
        by_class = one.precision, one.recall, one.f1, one.support
        assert by_class == pytest.approx(tuple(row))
    for average, found in (("macro", report.macro), ("weighted", report.weighted)):
        *expected, _ = metrics.precision_recall_fscore_support(
            targets, predicted, sample_weight=weights, average=average
        )
        assert (found.precision, found.recall, found.f1) == pytest.approx(tuple(expected))
    accuracy = metrics.accuracy_score(targets, predicted, sample_weight=weights)
    assert report.accuracy == pytest.approx(accuracy)
    check_curves(report, targets, scores, weights)
    assert report.calibration is not None
    brier = metrics.brier_score_loss(targets, scores, sample_weight=weights)
    assert report.calibration.brier == pytest.approx(brier)


def check_curves(
    report: BinaryReport, targets: Array, scores: Array, weights: Array | None
) -> None:
    """Compares each point of the curves with scikit-learn's at the same threshold."""
    assert report.roc is not None
    assert report.precision_recall is not None
    auc = metrics.roc_auc_score(targets, scores, sample_weight=weights)
    assert report.roc.auc == pytest.approx(auc)
    fpr, tpr, thresholds = metrics.roc_curve(
        targets, scores, sample_weight=weights, drop_intermediate=False
    )
    by_threshold = dict(zip(thresholds.tolist(), zip(fpr, tpr, strict=True), strict=True))
    points = zip(report.roc.thresholds, report.roc.fpr, report.roc.tpr, strict=True)
    for threshold, *point in points:
        key = float("inf") if threshold is None else threshold
        assert point == pytest.approx(by_threshold[key])
    assert (report.roc.fpr[0], report.roc.tpr[0]) == (0, 0)
    assert (report.roc.fpr[-1], report.roc.tpr[-1]) == pytest.approx((1, 1))
    area = metrics.average_precision_score(targets, scores, sample_weight=weights)
    assert report.precision_recall.average_precision == pytest.approx(area)
    precision, recall, thresholds = metrics.precision_recall_curve(
        targets, scores, sample_weight=weights
    )
    ends = [*thresholds.tolist(), None]
    by_end = dict(zip(ends, zip(precision, recall, strict=True), strict=True))
    curve = report.precision_recall
    for threshold, *point in zip(curve.thresholds, curve.precision, curve.recall, strict=True):
        assert point == pytest.approx(by_end[threshold])
    assert len(curve.thresholds) <= 200
    assert len(report.roc.thresholds) <= 200


@pytest.mark.parametrize("weighted", [False, True])
def test_two_classes(weighted: bool) -> None:
    targets, scores, weights = draw()
    given = weights if weighted else None
    report = describe(OutputSpec("binary"), targets, scores[:, np.newaxis], given)
    check(report, targets, scores, given)
    kept = weights != 0 if weighted else np.ones(ROWS, bool)
    assert report.count == kept.sum()
    assert report.weight == pytest.approx(weights.sum() if weighted else ROWS)


def test_real_data_and_class_names() -> None:
    inputs, targets = load_breast_cancer(return_X_y=True)
    model = LogisticRegression().fit(StandardScaler().fit_transform(inputs[::2]), targets[::2])
    scores = model.predict_proba(StandardScaler().fit_transform(inputs))[:, 1].astype(np.float32)
    spec = OutputSpec("binary", names=("malignant", "benign"))
    report = describe(spec, targets.astype(np.float32)[:, np.newaxis], scores[:, np.newaxis])
    check(report, targets, scores, None)
    assert [one.value for one in report.classes] == ["malignant", "benign"]
    actual, predicted = calibration_curve(targets, scores, n_bins=10)
    assert [one.actual for one in report.calibration.bins] == pytest.approx(actual)
    assert [one.predicted for one in report.calibration.bins] == pytest.approx(predicted)
    assert sum(one.weight for one in report.calibration.bins) == len(targets)


def test_logits() -> None:
    """A logit of 0 is a probability of 0.5; curves and calibration are of probabilities."""
    targets, scores, weights = draw()
    logits = np.random.default_rng(1).normal(2.0 * targets - 1, 2).astype(np.float32)
    probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    report = describe(OutputSpec("binary", scores="logit"), targets, logits, weights)
    matrix = metrics.confusion_matrix(targets, logits >= 0, sample_weight=weights)
    np.testing.assert_allclose(report.confusion_matrix, matrix)
    assert report.roc.auc == pytest.approx(
        metrics.roc_auc_score(targets, logits, sample_weight=weights)
    )
    brier = metrics.brier_score_loss(targets, probabilities, sample_weight=weights)
    assert report.calibration.brier == pytest.approx(brier)
    assert report.threshold == 0.5
    assert len(scores) == ROWS


@pytest.mark.parametrize("low", [-1, 0])
def test_hinge_takes_targets_of_minus_one_or_zero(low: int) -> None:
    targets, _, _ = draw()
    outputs = np.random.default_rng(1).normal(targets - 0.5, 1).astype(np.float32)
    signed = np.where(targets == 1, 1, low)
    report = describe(OutputSpec("binary", scores="raw"), signed, outputs)
    np.testing.assert_allclose(
        report.confusion_matrix, metrics.confusion_matrix(targets, outputs >= 0)
    )
    assert report.roc.auc == pytest.approx(metrics.roc_auc_score(targets, outputs))
    assert (report.calibration, report.threshold, report.rounded) == (None, 0, 0)


@pytest.mark.parametrize("scores", ["probability", "logit"])
@pytest.mark.parametrize("indices", [False, True])
def test_a_softmax_of_two_units_is_binary(scores: Any, indices: bool) -> None:
    targets, _, weights = draw()
    logits = np.random.default_rng(2).normal(size=(ROWS, 2)) + np.eye(2)[targets]
    powers = np.exp(logits)
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    outputs = (probabilities if scores == "probability" else logits).astype(np.float32)
    given = targets if indices else np.eye(2, dtype=np.float32)[targets]
    spec = OutputSpec("binary", 2, -1, scores, indices)
    report = describe(spec, given, outputs, weights)
    expected = metrics.confusion_matrix(targets, outputs.argmax(axis=1), sample_weight=weights)
    np.testing.assert_allclose(report.confusion_matrix, expected)
    second = probabilities[:, 1]
    auc = metrics.roc_auc_score(targets, second, sample_weight=weights)
    assert report.roc.auc == pytest.approx(auc, abs=1e-6)


def test_a_curve_without_one_of_the_classes_is_null() -> None:
    scores = np.linspace(0, 1, 11, dtype=np.float32)[:, np.newaxis]
    report = describe(OutputSpec("binary"), np.zeros(11, np.int32), scores)
    assert (report.roc, report.precision_recall) == (None, None)
    assert report.classes[1].recall == 0
    report = describe(OutputSpec("binary"), np.ones(11, np.int32), scores)
    assert report.roc is None
    assert report.precision_recall.average_precision == pytest.approx(1)


def test_targets_between_two_classes_are_counted_as_the_nearer_and_told() -> None:
    targets = np.array([0, 0.2, 0.5, 1], np.float32)
    scores = np.array([0.1, 0.1, 0.9, 0.9], np.float32)
    report = describe(OutputSpec("binary"), targets, scores)
    assert report.confusion_matrix == [[2, 0], [0, 2]]
    assert report.rounded == 2


def test_what_is_not_finite_is_counted_once_and_left_out() -> None:
    targets = np.array([0, 1, np.nan, 1, 0, 1], np.float32)
    scores = np.array([0.2, np.nan, np.nan, 0.9, 0.4, 0.3], np.float32)
    weights = np.array([1, 1, 1, 2, np.nan, 0], np.float32)
    report = describe(OutputSpec("binary"), targets, scores, weights)
    assert report.excluded.model_dump() == {"predictions": 1, "targets": 1, "weights": 1}
    assert (report.count, report.weight) == (2, 3)
    assert report.confusion_matrix == [[1, 0], [0, 2]]


def test_an_infinite_logit_is_a_certain_prediction() -> None:
    logits = np.array([-np.inf, np.inf, np.nan], np.float32)
    report = describe(OutputSpec("binary", scores="logit"), np.array([0, 1, 1]), logits)
    assert report.confusion_matrix == [[1, 0], [0, 1]]
    assert report.excluded.predictions == 1
    assert report.calibration.brier == 0


def test_pixels_count_one_by_one_with_the_weights_of_their_rows() -> None:
    random = np.random.default_rng(3)
    targets = random.integers(0, 2, (20, 4, 5, 1))
    scores = random.random((20, 4, 5, 1)).astype(np.float32)
    weights = random.random(20)
    report = describe(OutputSpec("binary"), targets, scores, weights, sizes=[3, 7])
    repeated = np.repeat(weights, 20)
    check(report, targets.reshape(-1), scores.reshape(-1), repeated)
    assert report.count == 400


def test_masked_steps_do_not_count() -> None:
    random = np.random.default_rng(3)
    targets, scores = random.integers(0, 2, (30, 6)), random.random((30, 6, 1)).astype(np.float32)
    mask = random.random((30, 6)) < 0.7
    report = describe(OutputSpec("binary"), targets, scores, None, mask, sizes=[7])
    check(report, targets[mask], scores[mask][:, 0], None)
