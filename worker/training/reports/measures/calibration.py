"""Compares predicted probabilities with the shares of the predictions that are right."""

import numpy as np

from domain.report.curves import Calibration, CalibrationBin
from worker.training.reports.streams.state import Array, Resumable

BINS = 10
_EDGES = np.linspace(0.0, 1.0, BINS + 1)


class CalibrationBins(Resumable):
    """Probabilities in intervals of equal width."""

    STATE = ("_sums", "_squares", "_outside")

    def __init__(self) -> None:
        self._sums: Array = np.zeros((3, BINS))
        """Sums of weights, of weighted probabilities and of the weights of right predictions."""
        self._squares = 0.0
        """Weighted sum of the squared differences."""
        self._outside = 0
        """Number of scores that are no probabilities."""

    def add(self, scores: Array, right: Array, weights: Array | None) -> None:
        """Adds predictions.

        Args:
            scores: The probabilities, float64 of shape (n,).
            right: Whether each predicted class or label is the actual one, bool of shape (n,).
            weights: The sample weights, float64 of shape (n,).
        """
        self._outside += int(np.count_nonzero((scores < 0) | (scores > 1)))
        bins = np.searchsorted(_EDGES[1:-1], scores)
        columns = [np.ones_like(scores), scores, right.astype(np.float64)]
        if weights is not None:
            columns = [column * weights for column in columns]
        self._sums += [np.bincount(bins, column, BINS) for column in columns]
        squares = (scores - right) ** 2
        self._squares += float(np.sum(squares if weights is None else squares * weights))

    def make_result(self) -> Calibration | None:
        """Returns the bins; None if there are none, or if a score was no probability."""
        weights, predicted, actual = self._sums
        total = float(weights.sum())
        if self._outside or not total > 0:
            return None
        bins = [
            CalibrationBin(
                low=float(_EDGES[i]),
                high=float(_EDGES[i + 1]),
                predicted=float(predicted[i] / weights[i]),
                actual=float(actual[i] / weights[i]),
                weight=float(weights[i]),
            )
            for i in np.flatnonzero(weights)
        ]
        error = float(np.sum(np.abs(predicted - actual)) / total)
        return Calibration(error=error, brier=self._squares / total, bins=bins)
