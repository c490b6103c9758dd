"""Several classes: equal to scikit-learn."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from domain.report.outputs import ClassesReport
from tests.worker.training.reports.feeding import describe
from worker.training.reports.output import OutputSpec

Array = np.ndarray[Any, Any]


def check(
    report: ClassesReport, targets: Array, outputs: Array, weights: Array | None = None
) -> None:
    """Compares a report with scikit-learn's numbers."""
    predicted = outputs.argmax(axis=1)
    labels = np.arange(outputs.shape[1])
    if report.confusion_matrix is not None:
        expected = metrics.confusion_matrix(
            targets, predicted, labels=labels, sample_weight=weights
        )
        np.testing.assert_allclose(report.confusion_matrix, expected)
    scored = metrics.precision_recall_fscore_support(
        targets, predicted, labels=labels, sample_weight=weights, zero_division=0
    )
    found = [[one.precision, one.recall, one.f1, one.support] for one in report.classes]
    np.testing.assert_allclose(found, np.transpose(scored))
    for average, scores in (("macro", report.macro), ("weighted", report.weighted)):
        *expected, _ = metrics.precision_recall_fscore_support(
            targets, predicted, sample_weight=weights, average=average, zero_division=0
        )
        assert (scores.precision, scores.recall, scores.f1) == pytest.approx(tuple(expected))
    accuracy = metrics.accuracy_score(targets, predicted, sample_weight=weights)
    assert report.accuracy == pytest.approx(accuracy)


@pytest.fixture(scope="module")
def digits() -> tuple[Array, Array]:
    """Targets and probabilities of a model that errs now and then."""
    inputs, targets = load_digits(return_X_y=True)
    model = LogisticRegression(max_iter=30).fit(inputs[:300] / 16, targets[:300])
    return targets, model.predict_proba(inputs / 16).astype(np.float32)


@pytest.mark.parametrize("indices", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_digits(digits: tuple[Array, Array], indices: bool, weighted: bool) -> None:
    targets, outputs = digits
    weights = np.random.default_rng(0).random(len(targets)) if weighted else None
    given = targets if indices else np.eye(10, dtype=np.float32)[targets]
    report = describe(OutputSpec("classes", 10, -1, indices=indices), given, outputs, weights)
    check(report, targets, outputs, weights)
    assert report.rounded == 0
    areas = [
        metrics.roc_auc_score(targets == i, outputs[:, i], sample_weight=weights) for i in range(10)
    ]
    assert [one.roc.auc for one in report.classes] == pytest.approx(areas)
    assert report.roc_auc == pytest.approx(np.mean(areas))
    precisions = [
        metrics.average_precision_score(targets == i, outputs[:, i], sample_weight=weights)
        for i in range(10)
    ]
    found = [one.precision_recall.average_precision for one in report.classes]
    assert found == pytest.approx(precisions)
    assert max(len(one.roc.fpr) for one in report.classes) <= 20


def test_calibration_is_that_of_the_predicted_class(digits: tuple[Array, Array]) -> None:
    targets, outputs = digits
    report = describe(OutputSpec("classes", 10, -1, indices=True), targets, outputs)
    right = outputs.argmax(axis=1) == targets
    actual, predicted = calibration_curve(right, outputs.max(axis=1), n_bins=10)
    assert [one.actual for one in report.calibration.bins] == pytest.approx(actual)
    assert [one.predicted for one in report.calibration.bins] == pytest.approx(predicted)


def test_scikit_learns_mean_of_areas(digits: tuple[Array, Array]) -> None:
    targets, outputs = digits
    wide = outputs.astype(np.float64)
    wide /= wide.sum(axis=1, keepdims=True)  # scikit-learn wants sums of exactly 1
    report = describe(OutputSpec("classes", 10, -1, indices=True), targets, wide)
    assert report.roc_auc == pytest.approx(metrics.roc_auc_score(targets, wide, multi_class="ovr"))


def test_logits_and_names() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 3, 500)
    logits = (random.normal(size=(500, 3)) + np.eye(3)[targets]).astype(np.float32)
    powers = np.exp(logits.astype(np.float64))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    spec = OutputSpec("classes", 3, -1, "logit", True, names=("a", "b"))
    report = describe(spec, targets, logits)
    check(report, targets, logits)
    assert [one.value for one in report.classes] == ["a", "b", 2]
    assert report.roc_auc == pytest.approx(
        metrics.roc_auc_score(targets, probabilities, multi_class="ovr")
    )
    matrix = np.array(report.confusion_matrix)
    np.fill_diagonal(matrix, 0)
    first = report.confusions[0]
    names = ["a", "b", 2]
    place = names.index(first.actual), names.index(first.predicted)
    assert first.weight == matrix.max() == matrix[place]
    assert sum(one.weight for one in report.confusions) == matrix.sum()


def test_steps_and_channels_first() -> None:
    """Classes may be on another axis than the last one; weights belong to steps."""
    random = np.random.default_rng(0)
    targets = random.integers(0, 4, (50, 6))
    outputs = random.random((50, 4, 6)).astype(np.float32)
    weights = random.random((50, 6))
    spec = OutputSpec("classes", 4, 1, indices=True)
    report = describe(spec, targets, outputs, weights, sizes=[7])
    check(
        report, targets.reshape(-1), outputs.transpose(0, 2, 1).reshape(-1, 4), weights.reshape(-1)
    )


def test_an_absent_class_has_no_curve_and_no_part_in_the_means() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 3, 200)
    outputs = random.random((200, 5)).astype(np.float32)
    outputs[:, 4] = 0
    report = describe(OutputSpec("classes", 5, -1, indices=True), targets, outputs)
    check(report, targets, outputs)
    assert report.classes[3].roc is None
    assert report.roc_auc is None


def test_targets_that_are_no_class_are_counted_and_left_out() -> None:
    outputs = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
    targets = np.array([0, 1, -1, 7, 255, 2])
    spec = OutputSpec("classes", 3, -1, indices=True, ignored=255)
    report = describe(spec, targets, outputs)
    assert (report.count, report.excluded.targets) == (3, 2)
    assert report.confusion_matrix == np.eye(3).tolist()


def test_one_hot_rows_without_a_class_and_with_shares() -> None:
    targets = np.array([[0, 0, 0], [0.2, 0.8, 0], [1, 0, 0]], np.float32)
    outputs = np.eye(3, dtype=np.float32)[[0, 1, 0]]
    report = describe(OutputSpec("classes", 3, -1), targets, outputs)
    assert (report.count, report.excluded.targets, report.rounded) == (2, 1, 1)
    assert report.accuracy == 1


@pytest.mark.parametrize("total", [150, 1_500])
def test_many_classes_are_bounded(total: int) -> None:
    """The matrix is left out, and of more than 1,000 classes the most frequent are listed."""
    random = np.random.default_rng(0)
    targets = np.minimum(random.geometric(0.01, 3_000), total - 1)
    outputs = random.random((3_000, total)).astype(np.float32)
    outputs[np.arange(3_000), targets] += 0.5
    report = describe(OutputSpec("classes", total, -1, indices=True), targets, outputs)
    assert report.total == total
    assert report.confusion_matrix is None
    assert len(report.classes) == min(total, 1_000)
    predicted = outputs.argmax(axis=1)
    *expected, _ = metrics.precision_recall_fscore_support(
        targets, predicted, average="macro", zero_division=0
    )
    found = report.macro.precision, report.macro.recall, report.macro.f1
    assert found == pytest.approx(tuple(expected))
    assert len(report.model_dump_json()) < 400_000
    if total > 1_000:
        assert report.confusions is None
        counts = np.bincount(targets, minlength=total)
        assert min(one.support for one in report.classes) >= np.sort(counts)[-1_000]
    else:
        matrix = metrics.confusion_matrix(targets, predicted, labels=np.arange(total))
        np.fill_diagonal(matrix, 0)
        most = sorted(matrix.reshape(-1).tolist(), reverse=True)[:100]
        assert [one.weight for one in report.confusions] == [count for count in most if count]
