"""Computes the scores of classes from the numbers of an output."""

import numpy as np

from worker.training.reports.output import OutputSpec
from worker.training.reports.streams.state import Array


def compute_scores(predictions: Array, spec: OutputSpec) -> Array:
    """Returns scores as float64 of shape (width, n): probabilities, unless they are raw.

    Args:
        predictions: The numbers of an output, of shape (n, width).
        spec: How they are read.
    """
    numbers = predictions.T.astype(np.float64, order="C")
    if spec.scores != "logit":
        return numbers
    return _softmax(numbers) if spec.is_exclusive else _sigmoid(numbers)


def compute_positive_scores(predictions: Array, spec: OutputSpec) -> Array:
    """Returns the score of the second of two classes, float64 of shape (n,)."""
    if spec.width == 1:
        return compute_scores(predictions, spec)[0]
    numbers = predictions.astype(np.float64)
    if spec.scores == "probability":
        return numbers[:, 1]
    difference = numbers[:, 1] - numbers[:, 0]
    return difference if spec.scores == "raw" else _sigmoid(difference)


def _sigmoid(logits: Array) -> Array:
    with np.errstate(over="ignore"):  # exp of a large number is infinite, and its inverse is 0
        return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=0))
    return np.asarray(powers / powers.sum(axis=0))
