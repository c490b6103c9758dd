"""The reports of single outputs, one class for each kind."""

from typing import Annotated, Literal

from pydantic import Field

from domain.contract import Result
from domain.dataset import ClassValue
from domain.report.curves import Calibration, PrecisionRecallCurve, RocCurve


class Excluded(Result):
    """The numbers of rows, steps or pixels that are left out, by reason."""

    predictions: int = 0
    """A prediction is NaN or infinite."""
    targets: int = 0
    """A target is NaN or infinite, or is no class of the output."""
    weights: int = 0
    """The sample weight is NaN or infinite."""


class Scores(Result):
    """Precision, recall and F1 as scikit-learn computes them; 0 where there is nothing to count."""

    precision: float
    recall: float
    f1: float


class ClassScores(Scores):
    """The scores of one class."""

    value: ClassValue
    """The class, or its index if the classes have no names."""
    support: float
    """Number of rows of this class, or the sum of their sample weights."""
    predicted: float
    """The same for the rows that are predicted to be of this class."""
    roc: RocCurve | None = None
    """This class against all others; `null` for two classes, for more than 100, and if there is no
    row of this class or none of the others."""
    precision_recall: PrecisionRecallCurve | None = None
    """As `roc`."""


class LabelScores(Scores):
    """The scores of one label."""

    index: int
    """Number of the unit, from 0."""
    support: float
    """Number of rows that have the label, or the sum of their sample weights."""
    predicted: float
    """The same for the rows that are predicted to have it."""
    confusion_matrix: list[list[float]]
    """Rows without and with the label, each by whether it is predicted."""
    roc: RocCurve | None = None
    """`null` for more than 100 labels, and if all rows or none have the label."""
    precision_recall: PrecisionRecallCurve | None = None
    """As `roc`."""


class Confusion(Result):
    """Rows of one class that are predicted to be of another."""

    actual: ClassValue
    predicted: ClassValue
    weight: float
    """Number of rows, or the sum of their sample weights."""


class _OfOutput(Result):
    """What the reports of all kinds of outputs have in common."""

    count: int
    """Number of rows that are compared; of an output for each step or pixel, that of steps or
    pixels. Masked ones and those with the weight 0 do not count."""
    weight: float
    """Sum of their sample weights; `count` if there are none."""
    excluded: Excluded


class _OfClasses(_OfOutput):
    """What the reports of classes have in common."""

    rounded: int
    """Number of targets between two classes. The nearer class counts."""
    accuracy: float
    macro: Scores
    """Means over the classes or labels that occur."""
    weighted: Scores
    """Means weighted by `support`."""


class BinaryReport(_OfClasses):
    """The report of an output that tells two classes apart."""

    kind: Literal["binary"] = "binary"
    threshold: float
    """The least score of the second class. A softmax of two units decides by the larger one."""
    classes: list[ClassScores]
    confusion_matrix: list[list[float]]
    """Number of rows, or the sum of their sample weights, by actual class (rows of the matrix) and
    predicted class (columns)."""
    roc: RocCurve | None
    """`null` if all rows are of one class."""
    precision_recall: PrecisionRecallCurve | None
    """As `roc`."""
    calibration: Calibration | None
    """Of the probabilities of the second class; `null` if the scores are no probabilities."""


class ClassesReport(_OfClasses):
    """The report of an output that tells several classes apart."""

    kind: Literal["classes"] = "classes"
    total: int
    """Number of classes."""
    classes: list[ClassScores]
    """All classes; of more than 1,000, those with the largest `support`."""
    confusion_matrix: list[list[float]] | None
    """Number of rows, or the sum of their sample weights, by actual class (rows of the matrix) and
    predicted class (columns); `null` for more than 100 classes."""
    confusions: list[Confusion] | None
    """The most frequent pairs of different classes, at most 100; `null` for more than 1,000
    classes."""
    roc_auc: float | None
    """Mean of the areas of each class against all others; `null` unless each class has one."""
    calibration: Calibration | None
    """Of the probabilities of the predicted classes; `null` if the outputs are none."""


class LabelsReport(_OfClasses):
    """The report of an output that decides about several labels."""

    kind: Literal["labels"] = "labels"
    threshold: float
    """The least score that assigns a label."""
    total: int
    """Number of labels."""
    labels: list[LabelScores]
    """All labels; of more than 1,000, those with the largest `support`."""
    exact_match: float
    """Share of the rows for which all labels are right; `accuracy` is the share of the labels."""
    micro: Scores
    """Of the decisions about all labels together."""
    roc_auc: float | None
    """Mean of the areas of the labels; `null` unless each label has one."""
    calibration: Calibration | None
    """Of the probabilities of all labels; `null` if the scores are no probabilities."""


class Errors(Result):
    """Errors of predicted numbers."""

    mae: float
    """Mean absolute error."""
    rmse: float
    """Root of the mean squared error."""
    r2: float | None
    """Coefficient of determination; `null` of less than two rows."""
    bias: float
    """Mean of actual minus predicted."""


class Residuals(Result):
    """A histogram of actual minus predicted."""

    edges: list[float]
    """The bounds of the bins, one more than bins. A value at a bound belongs to the bin above it;
    the last bin has its upper bound as well."""
    weights: list[float]
    """Number of values in each bin, or the sum of their sample weights."""


class Pairs(Result):
    """Some actual numbers, drawn at random, with their predictions."""

    rows: list[int]
    """Index of the row, from 0."""
    units: list[int]
    """Index on the last axis of the output, from 0."""
    actual: list[float]
    predicted: list[float]


class NumbersReport(_OfOutput):
    """The report of an output of numbers."""

    kind: Literal["numbers"] = "numbers"
    mae: float
    """Mean absolute error: the mean over the units, as for `rmse`, `r2` and `bias`."""
    rmse: float
    """Root of the mean squared error."""
    r2: float | None
    """Coefficient of determination; `null` of less than two rows."""
    bias: float
    """Mean of actual minus predicted."""
    units: list[Errors]
    """Errors by index on the last axis of the output; of more than 100, those of all together."""
    residuals: Residuals | None
    """`null` if nothing is compared."""
    pairs: Pairs


OutputReport = Annotated[
    BinaryReport | ClassesReport | LabelsReport | NumbersReport, Field(discriminator="kind")
]
