"""Several labels: equal to scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from tests.worker.training.reports.feeding import describe
from worker.training.reports.output import OutputSpec


@pytest.mark.parametrize("weighted", [False, True])
def test_labels(weighted: bool) -> None:
    random = np.random.default_rng(0)
    targets = (random.random((800, 4)) < 0.3).astype(np.float32)
    outputs = np.clip(random.normal(0.3 + 0.3 * targets, 0.2), 0, 1).astype(np.float32)
    weights = random.random(800) if weighted else None
    report = describe(OutputSpec("labels", 4, -1), targets, outputs, weights)
    decided = outputs >= 0.5
    matrices = metrics.multilabel_confusion_matrix(targets, decided, sample_weight=weights)
    np.testing.assert_allclose([one.confusion_matrix for one in report.labels], matrices)
    scored = metrics.precision_recall_fscore_support(targets, decided, sample_weight=weights)
    found = [[one.precision, one.recall, one.f1, one.support] for one in report.labels]
    np.testing.assert_allclose(found, np.transpose(scored))
    averages = {"macro": report.macro, "micro": report.micro, "weighted": report.weighted}
    for average, scores in averages.items():
        *expected, _ = metrics.precision_recall_fscore_support(
            targets, decided, sample_weight=weights, average=average
        )
        assert (scores.precision, scores.recall, scores.f1) == pytest.approx(tuple(expected))
    exact = metrics.accuracy_score(targets, decided, sample_weight=weights)
    assert report.exact_match == pytest.approx(exact)
    wrong = metrics.hamming_loss(targets, decided, sample_weight=weights)
    assert report.accuracy == pytest.approx(1 - wrong)
    area = metrics.roc_auc_score(targets, outputs, sample_weight=weights)
    assert report.roc_auc == pytest.approx(area)
    precision = metrics.average_precision_score(targets, outputs, sample_weight=weights)
    found = [one.precision_recall.average_precision for one in report.labels]
    assert np.mean(found) == pytest.approx(precision)


def test_logits_of_labels_in_each_step() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, (30, 5, 3))
    logits = random.normal(targets - 0.5, 1).astype(np.float32)
    report = describe(OutputSpec("labels", 3, -1, "logit"), targets, logits, sizes=[4])
    flat, decided = targets.reshape(-1, 3), logits.reshape(-1, 3) >= 0
    matrices = metrics.multilabel_confusion_matrix(flat, decided)
    np.testing.assert_allclose([one.confusion_matrix for one in report.labels], matrices)
    assert report.count == 150


def test_many_labels_have_no_curves() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, (50, 1_200))
    report = describe(OutputSpec("labels", 1_200, -1), targets, random.random((50, 1_200)))
    assert (report.total, len(report.labels), report.roc_auc) == (1_200, 1_000, None)
    assert report.labels[0].roc is None
