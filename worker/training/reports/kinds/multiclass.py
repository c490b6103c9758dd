"""Compares an output that tells several classes apart."""

from typing import Any

import numpy as np

from domain.report.limits import MATRIX_CLASSES, MOST_CONFUSIONS, MOST_LISTED
from domain.report.outputs import ClassesReport, ClassScores, Confusion
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
from worker.training.reports.measures.scores import ScoresByClass, divide
from worker.training.reports.output import OutputSpec
from worker.training.reports.streams.state import Array


class ClassesComparison(OutputComparison):
    """Counts the pairs of actual and predicted classes, and the scores of each class."""

    STATE = (*OutputComparison.STATE, "_support", "_predicted", "_right", "_matrix")
    PARTS = (*OutputComparison.PARTS, "_scores", "_calibration")

    def __init__(self, spec: OutputSpec) -> None:
        super().__init__(spec)
        total = self._total = spec.width
        self._support, self._predicted, self._right = np.zeros((3, total))
        self._matrix: Array | None = np.zeros((total, total)) if total <= MOST_LISTED else None
        curves = total if total <= MOST_CURVES else 0
        self._scores = make_score_counts(curves, shares=spec.scores != "raw")
        self._calibration = CalibrationBins() if spec.scores != "raw" else None

    def _process(self, targets: Array, predictions: Array, weights: Array | None) -> None:
        chosen = predictions.argmax(axis=1)
        is_right = chosen == targets
        right = is_right.astype(np.float64) if weights is None else is_right * weights
        self._support += np.bincount(targets, weights, self._total)
        self._predicted += np.bincount(chosen, weights, self._total)
        self._right += np.bincount(targets, right, self._total)
        if self._matrix is not None:
            cells, places = np.unique(self._total * targets + chosen, return_inverse=True)
            self._matrix.reshape(-1)[cells] += np.bincount(places, weights, len(cells))
        scores = compute_scores(predictions, self._spec)
        for index, counts in enumerate(self._scores):
            counts.add(scores[index], weights, targets == index)
        if self._calibration is not None:
            likeliest = scores[chosen, np.arange(len(chosen))]
            self._calibration.add(likeliest, is_right, weights)

    def _make_report(self, common: dict[str, Any]) -> ClassesReport:
        scores = ScoresByClass(self._right, self._predicted, self._support)
        listed = scores.find_most_frequent(MOST_LISTED)
        classes = [self._describe_class(scores, index) for index in listed]
        matrix, is_large = self._matrix, self._total > MATRIX_CLASSES
        return ClassesReport(
            **common,
            rounded=self._comparison.rounded,
            accuracy=float(divide(self._right.sum(), self._support.sum())),
            macro=scores.average(),
            weighted=scores.average_weighted(),
            total=self._total,
            classes=classes,
            confusion_matrix=None if matrix is None or is_large else matrix.tolist(),
            confusions=None if matrix is None else self._list_confusions(matrix),
            roc_auc=average_auc([one.roc for one in classes]) if self._scores else None,
            calibration=None if self._calibration is None else self._calibration.make_result(),
        )

    def _describe_class(self, scores: ScoresByClass, index: int) -> ClassScores:
        fields = {"value": self._spec.name(index), **scores.list_of(index)}
        if not self._scores:
            return ClassScores(**fields)
        curves = ScoreCurves(self._scores[index], count_points(len(self._scores)))
        precision_recall = curves.make_precision_recall()
        return ClassScores(**fields, roc=curves.make_roc(), precision_recall=precision_recall)

    def _list_confusions(self, matrix: Array) -> list[Confusion]:
        """Lists the most frequent pairs of different classes, the most frequent first."""
        others = matrix.copy()
        np.fill_diagonal(others, 0.0)
        flat = others.reshape(-1)
        order = np.argsort(-flat, kind="stable")[:MOST_CONFUSIONS]
        return [
            Confusion(
                actual=self._spec.name(int(cell) // self._total),
                predicted=self._spec.name(int(cell) % self._total),
                weight=float(flat[cell]),
            )
            for cell in order
            if flat[cell] > 0
        ]
