"""Compares an output of numbers."""

from typing import Any

import numpy as np

from domain.report.limits import MOST_PAIRS
from domain.report.outputs import Errors, NumbersReport, Pairs
from worker.training.reports.kinds.kind import OutputComparison
from worker.training.reports.measures.residuals import ResidualCounts
from worker.training.reports.output import OutputSpec
from worker.training.reports.streams.blocks import Blocks
from worker.training.reports.streams.sample import Sample
from worker.training.reports.streams.state import Array


class NumbersComparison(OutputComparison):
    """Sums errors by unit, counts residuals and draws pairs."""

    STATE = (*OutputComparison.STATE, "_sums", "_means", "_squares")
    PARTS = (*OutputComparison.PARTS, "_residuals", "_sample")

    def __init__(self, spec: OutputSpec) -> None:
        super().__init__(spec)
        self._blocks = Blocks(2 * spec.width, self._add_block)  # of targets and predictions
        self._sums: Array = np.zeros((3, spec.width))
        """Sums of actual minus predicted, of its absolute value and of its square, by unit."""
        self._means: Array = np.zeros(spec.width)
        """Means of the targets."""
        self._squares: Array = np.zeros(spec.width)
        """Sums of the squared differences of the targets from their means."""
        self._residuals = ResidualCounts()
        self._sample = Sample(MOST_PAIRS)

    def _observe(self, targets: Array, predictions: Array, rows: Array) -> None:
        self._sample.add(targets, predictions, rows)

    def _process(self, targets: Array, predictions: Array, weights: Array | None) -> None:
        actual = np.ascontiguousarray(targets.T)
        residuals = actual - predictions.T.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # squares may be infinite
            columns = (residuals, np.abs(residuals), residuals**2)
            self._sums += [_sum(column, weights) for column in columns]
            self._add_targets(actual, weights)
        repeated = None if weights is None else np.tile(weights, self._spec.width)
        self._residuals.add(residuals.reshape(-1), repeated)

    def _add_targets(self, actual: Array, weights: Array | None) -> None:
        """Merges means and squared differences of a block (Chan, Golub and LeVeque)."""
        added = float(actual.shape[1] if weights is None else np.sum(weights))
        total = self._weight  # with the block's
        if not added or not total:
            return
        means = _sum(actual, weights) / added
        squares = _sum((actual - means[:, np.newaxis]) ** 2, weights)
        shift = means - self._means
        self._squares += squares + shift**2 * ((total - added) * added / total)
        self._means += shift * (added / total)

    def _make_report(self, common: dict[str, Any]) -> NumbersReport:
        units = [self._describe_unit(unit) for unit in range(self._spec.width)]
        r2 = [one.r2 for one in units if one.r2 is not None]
        rows, places, actual, predicted = self._sample.list_drawn()
        return NumbersReport(
            **common,
            mae=float(np.mean([one.mae for one in units])),
            rmse=float(np.mean([one.rmse for one in units])),
            r2=float(np.mean(r2)) if r2 else None,
            bias=float(np.mean([one.bias for one in units])),
            units=units,
            residuals=self._residuals.make_histogram(),
            pairs=Pairs(
                rows=rows.tolist(),
                units=places.tolist(),
                actual=actual.tolist(),
                predicted=predicted.tolist(),
            ),
        )

    def _describe_unit(self, unit: int) -> Errors:
        total = self._weight or 1.0
        bias, absolute, squares = (self._sums[:, unit] / total).tolist()
        return Errors(mae=absolute, rmse=float(np.sqrt(squares)), r2=self._find_r2(unit), bias=bias)

    def _find_r2(self, unit: int) -> float | None:
        """Returns the coefficient of determination; as scikit-learn, 1 or 0 of equal targets."""
        if self._count < 2:
            return None
        left, whole = float(self._sums[2, unit]), float(self._squares[unit])
        if whole == 0:
            return 1.0 if left == 0 else 0.0
        return 1.0 - left / whole if np.isfinite(whole) else None


def _sum(values: Array, weights: Array | None) -> Array:
    """Returns the weighted sums of the rows of a matrix."""
    return np.asarray(np.sum(values if weights is None else values * weights, axis=1))
