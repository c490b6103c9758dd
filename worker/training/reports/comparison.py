"""Brings the targets, predictions and weights of a batch into one shape.

A position is a row; or a step or a pixel of a row, if the output has a value for each.
"""

import math
from typing import NamedTuple

import numpy as np

from domain.report.outputs import Excluded
from worker.training.reports.output import OutputSpec
from worker.training.reports.streams.state import Array, Resumable
from worker.training.reports.targets import find_finite, read_targets

Shape = tuple[int, ...]


class Positions(NamedTuple):
    """The positions of a batch that are compared, in the order of the rows."""

    targets: Array
    """As `Targets.values`."""
    predictions: Array
    """Float32 or float64 of shape (n, width)."""
    weights: Array | None
    """The sample weights, float64 of shape (n,)."""
    rows: Array
    """The row of each within the batch, int64 of shape (n,)."""


class Comparison(Resumable):
    """Reads the batches of one output, and counts the positions that it leaves out."""

    STATE = ("_of_predictions", "_of_targets", "_of_weights", "rounded")

    def __init__(self, spec: OutputSpec) -> None:
        self._spec = spec
        self._of_predictions = self._of_targets = self._of_weights = 0
        self.rounded = 0
        """Number of targets between two classes."""

    @property
    def excluded(self) -> Excluded:
        """The numbers of positions that are left out, by reason."""
        return Excluded(
            predictions=self._of_predictions, targets=self._of_targets, weights=self._of_weights
        )

    def read(
        self, targets: Array, predictions: Array, weights: Array | None, mask: Array | None
    ) -> Positions:
        """Returns the positions of a batch that can be compared.

        Args:
            targets: As the loss takes them; an axis of length 1 at the end may be missing.
            predictions: Of shape (rows, ...).
            weights: The sample weights. Their axes are the first ones of the predictions; an axis
                of length 1, or one that is missing, has one weight for all its places.
            mask: As the weights; False for positions that do not count.

        Raises:
            ValueError: The shapes do not fit.
        """
        arranged = self._arrange(_make_float(predictions))
        shape = arranged.shape[:-1]
        predicted = arranged.reshape(math.prod(shape), arranged.shape[-1])
        read = read_targets(self._arrange_targets(targets, predictions.shape, shape), self._spec)
        good = self._find_counting(targets, weights, mask, shape)
        weight = None if weights is None else spread(weights, shape).astype(np.float64)
        if weight is not None:
            good, self._of_weights = _exclude(good, np.isfinite(weight), self._of_weights)
        good, self._of_targets = _exclude(good, read.fit, self._of_targets)
        whole = self._find_whole(predicted)
        good, self._of_predictions = _exclude(good, whole, self._of_predictions)
        self.rounded += int(np.count_nonzero(good & read.rounded))
        kept = np.flatnonzero(good)
        rows = kept // max(1, math.prod(shape[1:]))
        return Positions(
            read.values[kept], predicted[kept], None if weight is None else weight[kept], rows
        )

    def _arrange(self, array: Array) -> Array:
        """Returns an array of the predictions' shape with the axis of the spec at the end."""
        axis = self._spec.axis
        return array[..., np.newaxis] if axis is None else np.moveaxis(array, axis, -1)

    def _arrange_targets(self, targets: Array, predicted: Shape, positions: Shape) -> Array:
        """Returns the targets of shape (n,) for class indices, otherwise (n, width)."""
        wanted = positions if self._spec.indices else predicted
        if _strip(targets.shape) != _strip(wanted):
            raise ValueError(f"Targets of shape {targets.shape} do not fit outputs {predicted}.")
        if self._spec.indices:
            return targets.reshape(-1)
        arranged = self._arrange(targets.reshape(predicted))
        return arranged.reshape(math.prod(positions), arranged.shape[-1])

    def _find_counting(
        self, targets: Array, weights: Array | None, mask: Array | None, shape: Shape
    ) -> Array:
        """Returns which positions count: not masked, with a weight, and without ignored class."""
        counting = np.ones(math.prod(shape), np.bool_)
        if mask is not None:
            counting &= spread(mask, shape).astype(np.bool_)
        if weights is not None:
            counting &= spread(weights, shape) != 0
        if self._spec.ignored is not None:
            counting &= targets.reshape(-1) != self._spec.ignored
        return counting

    def _find_whole(self, predicted: Array) -> Array:
        """Returns which predictions are numbers. The logit of what is impossible is infinite."""
        whole = find_finite(predicted)
        if self._spec.scores != "logit" or whole.all():
            return whole
        whole = np.asarray(~np.isnan(predicted).any(axis=1))
        if self._spec.is_exclusive:
            whole &= np.isfinite(predicted.max(axis=1))
        return whole


def spread(values: Array, shape: Shape) -> Array:
    """Returns a value for each position, of shape (n,).

    Args:
        values: An array whose axes are the first ones of `shape`; an axis of length 1, or one that
            is missing, has one value for all its places.
        shape: The shape of the positions.
    """
    sizes = values.shape[: len(shape)]
    if math.prod(values.shape[len(shape) :]) != 1:
        raise ValueError(f"Weights of shape {values.shape} do not fit positions {shape}.")
    missing = (1,) * (len(shape) - len(sizes))
    return np.broadcast_to(values.reshape((*sizes, *missing)), shape).reshape(-1)


def _exclude(good: Array, fit: Array, excluded: int) -> tuple[Array, int]:
    """Returns which positions are good and fit, and the raised number of excluded ones."""
    return good & fit, excluded + int(np.count_nonzero(good & ~fit))


def _make_float(array: Array) -> Array:
    return array.astype(np.float64 if array.dtype.itemsize > 4 else np.float32, copy=False)


def _strip(shape: Shape) -> Shape:
    """Returns a shape without the axes of length 1 at its end."""
    first, *rest = shape
    while rest and rest[-1] == 1:
        rest.pop()
    return (first, *rest)
