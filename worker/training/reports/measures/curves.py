"""Curves over all thresholds of a score: ROC, and precision and recall."""

from collections.abc import Sequence

import numpy as np

from domain.report.curves import PrecisionRecallCurve, RocCurve
from domain.report.limits import MOST_POINTS
from worker.training.reports.streams.state import Array
from worker.training.reports.streams.value_counts import ValueCounts

MOST_SCORES = 1 << 17
"""The most distinct scores of all curves of one output that are counted by themselves."""
MOST_CURVES = 100
"""The most classes or labels of an output that have curves."""
LEAST_SCORES = 8_192
"""The fewest distinct scores of one curve that are counted by themselves."""
LEAST_POINTS = 20
"""The fewest points that a curve may have, if an output has many."""


class ScoreCurves:
    """The curves of one class or label of an output."""

    def __init__(self, scores: ValueCounts, most: int = MOST_POINTS) -> None:
        """Takes the scores.

        Args:
            scores: The scores of the negatives, and those of the positives.
            most: The most points of each curve.
        """
        self._most = most
        self._thresholds = scores.values[::-1]
        self._false, self._true = np.cumsum(scores.weights[:, ::-1], axis=1)
        """The weights of the false and of the true positives at each threshold."""

    def make_roc(self) -> RocCurve | None:
        """Returns the ROC curve; None if there are no positives or no negatives."""
        if not self._has_positives() or not self._false[-1] > 0:
            return None
        fpr = np.concatenate([[0.0], self._false / self._false[-1]])
        tpr = np.concatenate([[0.0], self._true / self._true[-1]])
        auc = float(np.trapezoid(tpr, fpr))
        kept = choose_points(fpr, tpr, self._most)
        thresholds = [None, *self._thresholds.tolist()]
        return RocCurve(
            auc=auc,
            fpr=fpr[kept].tolist(),
            tpr=tpr[kept].tolist(),
            thresholds=[thresholds[i] for i in kept],
        )

    def make_precision_recall(self) -> PrecisionRecallCurve | None:
        """Returns the curve of precision and recall; None if there are no positives."""
        if not self._has_positives():
            return None
        precision = (self._true / (self._true + self._false))[::-1]
        recall = (self._true / self._true[-1])[::-1]
        precision, recall = np.append(precision, 1.0), np.append(recall, 0.0)
        average = float(-np.sum(np.diff(recall) * precision[:-1]))
        kept = choose_points(recall, precision, self._most)
        thresholds = [*self._thresholds[::-1].tolist(), None]
        return PrecisionRecallCurve(
            average_precision=average,
            precision=precision[kept].tolist(),
            recall=recall[kept].tolist(),
            thresholds=[thresholds[i] for i in kept],
        )

    def _has_positives(self) -> bool:
        return len(self._true) > 0 and bool(self._true[-1] > 0)


def count_points(curves: int) -> int:
    """Returns the most points of each of several curves of one output."""
    return max(LEAST_POINTS, MOST_POINTS // max(curves, 1))


def make_score_counts(curves: int, *, shares: bool) -> list[ValueCounts]:
    """Returns the counts of the scores of each of several curves of one output.

    Args:
        curves: The number of curves.
        shares: Whether the scores are probabilities.
    """
    limit = max(LEAST_SCORES, MOST_SCORES // max(curves, 1))
    return [ValueCounts(limit, groups=2, shares=shares) for _ in range(curves)]


def choose_points(x: Array, y: Array, most: int) -> list[int]:
    """Returns the indices of points that draw a curve, in order, with both ends.

    Points within a horizontal or vertical line are left out. Of too many, those are chosen that
    lie at equal distances along the curve.
    """
    dx, dy = np.diff(x), np.diff(y)
    is_corner = dx[1:] * dy[:-1] != dx[:-1] * dy[1:]
    kept = np.concatenate([[0], 1 + np.flatnonzero(is_corner), [len(x) - 1]])
    if len(kept) <= most:
        return [int(i) for i in np.unique(kept)]
    steps = np.abs(np.diff(x[kept])) + np.abs(np.diff(y[kept]))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    places = np.searchsorted(length, np.linspace(0.0, length[-1], most))
    chosen = kept[np.minimum(places, len(kept) - 1)]
    chosen[-1] = kept[-1]
    return [int(i) for i in np.unique(chosen)]


def average_auc(curves: Sequence[RocCurve | None]) -> float | None:
    """Returns the mean of the areas; None unless each curve exists."""
    areas = [curve.auc for curve in curves if curve is not None]
    return float(np.mean(areas)) if areas and len(areas) == len(curves) else None
