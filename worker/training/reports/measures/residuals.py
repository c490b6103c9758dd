"""Counts residuals, and makes a histogram of them."""

import math

import numpy as np

from domain.report.outputs import Residuals
from worker.training.reports.streams.state import Array, Resumable
from worker.training.reports.streams.value_counts import ValueCounts

BINS = 50
REACH = 3.0
"""Values farther from the quartiles than so many interquartile ranges are in a bin at each end."""
MOST_VALUES = 1 << 16
"""The most distinct residuals that are counted by themselves."""


class ResidualCounts(Resumable):
    """The counts of residuals, from which a histogram is made when all are known."""

    STATE = ("_low", "_high")
    PARTS = ("_counts",)

    def __init__(self) -> None:
        self._counts = ValueCounts(MOST_VALUES)
        self._low, self._high = math.inf, -math.inf

    def add(self, residuals: Array, weights: Array | None) -> None:
        """Adds residuals, float64 of shape (n,), and their sample weights."""
        self._low = min(self._low, float(residuals.min(initial=math.inf)))
        self._high = max(self._high, float(residuals.max(initial=-math.inf)))
        self._counts.add(residuals, weights)

    def make_histogram(self) -> Residuals | None:
        """Returns a histogram; None if there are no residuals.

        If neighbouring values were counted together, each inner bound is moved up to the next
        counted value. So the number of values between two bounds is always exact.
        """
        values, weights = self._counts.values, self._counts.weights[0]
        if not len(values):
            return None
        edges = self._find_edges(values, weights)
        bins = np.searchsorted(edges[1:-1], values, side="right")
        sums = np.bincount(bins, weights, len(edges) - 1)
        return Residuals(edges=edges.tolist(), weights=sums.tolist())

    def _find_edges(self, values: Array, weights: Array) -> Array:
        """Returns rising bounds from the smallest to the largest value."""
        low, high = self._low, self._high
        if low == high:
            return np.array([low - 0.5, low + 0.5])
        first, third = _find_quartiles(values, weights)
        reach = REACH * (third - first) or math.inf
        inner = np.linspace(max(low, first - reach), min(high, third + reach), BINS + 1)
        inner = inner[(inner > low) & (inner < high)]
        if self._counts.has_merged:
            places = np.searchsorted(values, inner)
            inner = values[places[places < len(values)]]
            inner = inner[(inner > low) & (inner < high)]
        return np.unique([low, *inner, high])


def _find_quartiles(values: Array, weights: Array) -> tuple[float, float]:
    below = np.cumsum(weights)
    first, third = np.searchsorted(below, [0.25 * below[-1], 0.75 * below[-1]])
    last = len(values) - 1
    return float(values[min(first, last)]), float(values[min(third, last)])
