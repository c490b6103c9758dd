"""Compares an output that decides about several labels."""

from typing import Any

import numpy as np

from domain.report.limits import MOST_LISTED
from domain.report.outputs import LabelScores, LabelsReport
from worker.training.reports.kinds.kind import OutputComparison
from worker.training.reports.kinds.probabilities import compute_scores
from worker.training.reports.measures.calibration import CalibrationBins
from worker.training.reports.measures.curves import (
    MOST_CURVES,
    ScoreCurves,
    average_auc,
    count_points,
    make_score_counts,
)
from worker.training.reports.measures.scores import ScoresByClass, divide, make_scores
from worker.training.reports.output import OutputSpec
from worker.training.reports.streams.state import Array


class LabelsComparison(OutputComparison):
    """Counts the decisions about each label, and their scores."""

    STATE = (*OutputComparison.STATE, "_support", "_predicted", "_right", "_exact")
    PARTS = (*OutputComparison.PARTS, "_scores", "_calibration")

    def __init__(self, spec: OutputSpec) -> None:
        super().__init__(spec)
        total = self._total = spec.width
        self._support, self._predicted, self._right = np.zeros((3, total))
        """Weights of rows that have each label, that are predicted to have it, and both."""
        self._exact = 0.0
        """Weights of rows for which all labels are right."""
        curves = total if total <= MOST_CURVES else 0
        self._scores = make_score_counts(curves, shares=spec.scores != "raw")
        self._calibration = CalibrationBins() if spec.scores != "raw" else None

    def _process(self, targets: Array, predictions: Array, weights: Array | None) -> None:
        decided = predictions >= self._spec.least
        self._support += _sum(targets, weights)
        self._predicted += _sum(decided, weights)
        self._right += _sum(targets & decided, weights)
        exact = (targets == decided).all(axis=1, keepdims=True)
        self._exact += float(_sum(exact, weights)[0])
        scores = compute_scores(predictions, self._spec)
        for index, counts in enumerate(self._scores):
            counts.add(scores[index], weights, np.ascontiguousarray(targets[:, index]))
        if self._calibration is not None:
            repeated = None if weights is None else np.tile(weights, self._total)
            self._calibration.add(scores.reshape(-1), targets.T.reshape(-1), repeated)

    def _make_report(self, common: dict[str, Any]) -> LabelsReport:
        scores = ScoresByClass(self._right, self._predicted, self._support)
        labels = [self._describe(scores, i) for i in scores.find_most_frequent(MOST_LISTED)]
        right, predicted, support = (
            float(sums.sum()) for sums in (self._right, self._predicted, self._support)
        )
        wrong = predicted + support - 2 * right
        decisions = self._weight * self._total
        return LabelsReport(
            **common,
            rounded=self._comparison.rounded,
            accuracy=float(divide(decisions - wrong, decisions)),
            macro=scores.average_all(),
            weighted=scores.average_weighted(),
            threshold=self._spec.threshold,
            total=self._total,
            labels=labels,
            exact_match=float(divide(self._exact, self._weight)),
            micro=make_scores(right, predicted, support),
            roc_auc=average_auc([one.roc for one in labels]) if self._scores else None,
            calibration=None if self._calibration is None else self._calibration.make_result(),
        )

    def _describe(self, scores: ScoresByClass, index: int) -> LabelScores:
        right, support = float(self._right[index]), float(self._support[index])
        wrong = float(self._predicted[index]) - right
        fields = {
            "index": index,
            **scores.list_of(index),
            "confusion_matrix": [
                [self._weight - support - wrong, wrong],
                [support - right, right],
            ],
        }
        if not self._scores:
            return LabelScores(**fields)
        curves = ScoreCurves(self._scores[index], count_points(len(self._scores)))
        precision_recall = curves.make_precision_recall()
        return LabelScores(**fields, roc=curves.make_roc(), precision_recall=precision_recall)


def _sum(chosen: Array, weights: Array | None) -> Array:
    """Returns the weights of the rows that are chosen, by label.

    Args:
        chosen: Bool of shape (n, labels).
        weights: Of shape (n,); 1 each if left out.
    """
    if weights is None:
        return np.count_nonzero(chosen, axis=0).astype(np.float64)
    return np.where(chosen, weights[:, np.newaxis], 0.0).T.copy().sum(axis=1)
