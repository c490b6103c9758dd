"""Compares an output that tells two classes apart."""

from typing import Any

import numpy as np

from domain.report.limits import MOST_POINTS
from domain.report.outputs import BinaryReport, ClassScores
from worker.training.reports.kinds.kind import OutputComparison
from worker.training.reports.kinds.probabilities import compute_positive_scores
from worker.training.reports.measures.calibration import CalibrationBins
from worker.training.reports.measures.curves import MOST_SCORES, ScoreCurves
from worker.training.reports.measures.scores import ScoresByClass, divide
from worker.training.reports.output import OutputSpec
from worker.training.reports.streams.state import Array
from worker.training.reports.streams.value_counts import ValueCounts


class BinaryComparison(OutputComparison):
    """Counts the scores of both classes."""

    STATE = (*OutputComparison.STATE, "_matrix")
    PARTS = (*OutputComparison.PARTS, "_scores", "_calibration")

    def __init__(self, spec: OutputSpec) -> None:
        super().__init__(spec)
        self._matrix: Array = np.zeros((2, 2))
        self._scores = ValueCounts(MOST_SCORES, groups=2, shares=spec.scores != "raw")
        self._calibration = CalibrationBins() if spec.scores != "raw" else None

    def _process(self, targets: Array, predictions: Array, weights: Array | None) -> None:
        scores = compute_positive_scores(predictions, self._spec)
        cells = 2 * targets.astype(np.int64) + self._decide(predictions)
        self._matrix += np.bincount(cells, weights, 4).reshape(2, 2)
        self._scores.add(scores, weights, targets)
        if self._calibration is not None:
            self._calibration.add(scores, targets, weights)

    def _decide(self, predictions: Array) -> Array:
        """Returns which predictions are of the second class."""
        if self._spec.width == 1:
            return predictions[:, 0] >= self._spec.least
        return predictions[:, 1] > predictions[:, 0]

    def _make_report(self, common: dict[str, Any]) -> BinaryReport:
        matrix = self._matrix
        scores = ScoresByClass(matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1))
        curves = ScoreCurves(self._scores, MOST_POINTS)
        return BinaryReport(
            **common,
            rounded=self._comparison.rounded,
            accuracy=float(divide(matrix.trace(), matrix.sum())),
            macro=scores.average(),
            weighted=scores.average_weighted(),
            threshold=self._spec.threshold,
            classes=[ClassScores(value=self._spec.name(i), **scores.list_of(i)) for i in range(2)],
            confusion_matrix=matrix.tolist(),
            roc=curves.make_roc(),
            precision_recall=curves.make_precision_recall(),
            calibration=None if self._calibration is None else self._calibration.make_result(),
        )
