"""What kind of predictions an output gives, which decides how they are compared with targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from domain.dataset import ClassValue

Kind = Literal["binary", "classes", "labels", "numbers"]
ScoreKind = Literal["probability", "logit", "raw"]


@dataclass(frozen=True)
class OutputSpec:
    """How the predictions of one output are read."""

    kind: Kind
    """`binary`: two classes; `classes`: several, of which one is right; `labels`: several, of which
    any number is right; `numbers`: anything else."""
    width: int = 1
    """The length of the axis of the classes, labels or numbers that belong together; 1 if the
    output has no such axis, or one whose values are all alike."""
    axis: int | None = None
    """That axis, with the batch axis counted; None if there is none."""
    scores: ScoreKind = "probability"
    """What the output gives for a class: a probability, its logit, or any other number."""
    indices: bool = False
    """Whether a target is the index of its class; otherwise it has a number for each class."""
    ignored: int | None = None
    """The class index of targets that do not count."""
    names: Sequence[ClassValue] | None = None
    """The classes by index, if they have names."""

    @property
    def is_exclusive(self) -> bool:
        """Whether each row has one of several units."""
        return self.kind == "classes" or (self.kind == "binary" and self.width > 1)

    @property
    def threshold(self) -> float:
        """The least score of the second class or of a label."""
        return 0.0 if self.scores == "raw" else 0.5

    @property
    def least(self) -> float:
        """The least output that has this score: a logit of 0 is a probability of 0.5."""
        return 0.5 if self.scores == "probability" else 0.0

    def name(self, index: int) -> ClassValue:
        """Returns a class by its index: its name, or the index itself."""
        if self.names is not None and index < len(self.names):
            return self.names[index]
        return index


@dataclass(frozen=True)
class NoReport:
    """An output that a report does not describe."""

    reason: str
