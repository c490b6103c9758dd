"""Precision, recall and F1 from counts, as scikit-learn computes them."""

from typing import Any

import numpy as np

from domain.report.outputs import Scores
from worker.training.reports.streams.state import Array

_NAMES = ("precision", "recall", "f1")


class ScoresByClass:
    """The scores of several classes or labels."""

    def __init__(self, right: Array, predicted: Array, support: Array) -> None:
        """Computes the scores.

        Args:
            right: Weights of the rows of each class that are predicted as such, of shape (n,).
            predicted: Weights of the rows that are predicted to be of each class.
            support: Weights of the rows of each class.
        """
        self.support, self.predicted = support, predicted
        self._values = np.stack(
            [
                divide(right, predicted),
                divide(right, support),
                divide(2 * right, predicted + support),
            ]
        )

    def list_of(self, index: int) -> dict[str, Any]:
        """Returns the fields of the scores of one class."""
        scores = dict(zip(_NAMES, self._values[:, index].tolist(), strict=True))
        return {
            **scores,
            "support": float(self.support[index]),
            "predicted": float(self.predicted[index]),
        }

    def find_most_frequent(self, most: int) -> list[int]:
        """Returns the classes with the largest support, in ascending order."""
        order = np.argsort(-self.support, kind="stable")[:most]
        return sorted(order.tolist())

    def average(self) -> Scores:
        """Returns the means over the classes that occur in targets or predictions."""
        occurs = (self.support != 0) | (self.predicted != 0)
        return _make(self._values[:, occurs].mean(axis=1) if occurs.any() else np.zeros(3))

    def average_all(self) -> Scores:
        """Returns the means over all classes."""
        return _make(self._values.mean(axis=1))

    def average_weighted(self) -> Scores:
        """Returns the means weighted by support."""
        return _make(divide(np.sum(self._values * self.support, axis=1), self.support.sum()))


def make_scores(right: float, predicted: float, support: float) -> Scores:
    """Returns the scores of one class or of all together."""
    one = ScoresByClass(*(np.array([value]) for value in (right, predicted, support)))
    return one.average_all()


def divide(numerator: Any, denominator: Any) -> Any:
    """Returns a quotient; 0 where the denominator is 0."""
    above, below = np.broadcast_arrays(
        np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    )
    return np.divide(above, below, out=np.zeros(above.shape), where=below != 0)


def _make(values: Array) -> Scores:
    return Scores(**dict(zip(_NAMES, values.tolist(), strict=True)))
