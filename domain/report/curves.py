"""Curves over the thresholds of a score, and calibration."""

from domain.contract import Result


class RocCurve(Result):
    """Points of the receiver operating characteristic, by falling threshold."""

    auc: float
    """Area under the curve of all thresholds, of which the points are a selection."""
    fpr: list[float]
    """False positive rate of each point."""
    tpr: list[float]
    """True positive rate of each point."""
    thresholds: list[float | None]
    """The least score that counts as positive; `null`: none does."""


class PrecisionRecallCurve(Result):
    """Points of precision and recall, by rising threshold."""

    average_precision: float
    """Mean precision over all thresholds, weighted by the rise of the recall."""
    precision: list[float]
    recall: list[float]
    thresholds: list[float | None]
    """The least score that counts as positive; `null`: none does."""


class CalibrationBin(Result):
    """The predictions whose probability lies in one interval."""

    low: float
    """The probabilities are larger than this; the first bin has 0 as well."""
    high: float
    predicted: float
    """Mean of the predicted probabilities."""
    actual: float
    """Share of the predictions that are right."""
    weight: float
    """Number of predictions, or the sum of their sample weights."""


class Calibration(Result):
    """Whether predicted probabilities are as large as the shares that they predict."""

    error: float
    """Mean difference of `predicted` and `actual` over the bins (expected calibration error)."""
    brier: float
    """Mean squared difference of a probability from 1 if its prediction is right, else from 0."""
    bins: list[CalibrationBin]
    """Ten intervals of equal width; empty ones are left out."""
