"""Reads the targets of an output as classes, labels or numbers."""

from typing import NamedTuple

import numpy as np

from worker.training.reports.output import OutputSpec
from worker.training.reports.streams.state import Array


class Targets(NamedTuple):
    """The targets of some positions."""

    values: Array
    """Int64 of shape (n,) for classes, bool (n,) for two classes, bool (n, width) for labels,
    float64 (n, width) for numbers."""
    fit: Array
    """Whether each position has a target that can be compared, bool of shape (n,)."""
    rounded: Array
    """Whether its target is between two classes, bool of shape (n,)."""


def read_targets(targets: Array, spec: OutputSpec) -> Targets:
    """Reads targets.

    Args:
        targets: Of shape (n,) for class indices, otherwise (n, width).
        spec: How the output is read.
    """
    if spec.kind == "numbers":
        numbers = targets.astype(np.float64)
        fit = find_finite(numbers)
        return Targets(numbers, fit, np.zeros(len(fit), np.bool_))
    if spec.indices:
        return _convert_classes(_read_indices(targets, spec.width), spec)
    if spec.is_exclusive:
        return _convert_classes(_read_one_hot(targets), spec)
    return _read_decisions(targets, spec)


def _convert_classes(found: Targets, spec: OutputSpec) -> Targets:
    return found if spec.kind == "classes" else found._replace(values=found.values == 1)


def _read_indices(targets: Array, classes: int) -> Targets:
    numbers = targets.astype(np.float64)
    fit = (numbers >= 0) & (numbers < classes) & (numbers == np.floor(numbers))
    return Targets(np.where(fit, numbers, 0).astype(np.int64), fit, np.zeros(len(fit), np.bool_))


def _read_one_hot(targets: Array) -> Targets:
    """Reads the class with the largest share; a row without any share has no class."""
    largest = targets.max(axis=1)
    fit = find_finite(targets) & (largest > 0)
    others = np.count_nonzero(targets, axis=1) > 1
    return Targets(targets.argmax(axis=1), fit, fit & (others | (largest != 1)))


def _read_decisions(targets: Array, spec: OutputSpec) -> Targets:
    """Reads 0 and 1, or -1 and 1 if scores are raw."""
    fit = find_finite(targets)
    is_raw = spec.scores == "raw"
    values = targets > 0 if is_raw else targets >= 0.5
    crisp = (targets == 0) | (targets == 1) | (is_raw & (targets == -1))
    rounded = fit & ~crisp.all(axis=1)
    return Targets(values[:, 0] if spec.kind == "binary" else values, fit, rounded)


def find_finite(numbers: Array) -> Array:
    """Returns whether each row of a matrix is without NaN and infinities, bool of shape (n,)."""
    finite = np.isfinite(numbers)
    if finite.all():  # much faster than by row
        return np.ones(len(numbers), np.bool_)
    return np.asarray(finite.all(axis=1))
