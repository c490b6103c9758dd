"""The messages of a graph's check: what is asked of the Keras process, and its answer."""

from collections.abc import Sequence

from pydantic import Field

from domain.contract import Contract
from domain.errors import Fault
from domain.graph.language import Blueprint
from domain.graph.summary import RowBytes, Summary
from domain.ids import ModelId
from domain.job.recipe import Checkpoints, NameOrComponent, Recipe
from domain.job.targets import TargetCheck, ValueRange


class SizeLimits(Contract):
    """The largest model that may be built; None means no limit."""

    parameters: int | None = Field(default=None, ge=0)
    weight_bytes: int | None = Field(default=None, ge=0)
    activation_bytes: int | None = Field(default=None, ge=0)
    """Bytes of the outputs of all nodes for one row. An unknown length counts as 1, or in a
    training as long as that of the dataset's columns."""
    unrolled_steps: int | None = Field(default=None, ge=0)
    """Steps of all unrolled recurrent layers together."""


class ColumnSpec(Contract):
    """The dtype and shape of a dataset's column."""

    dtype: str
    """NumPy's name; a name that NumPy does not know means text."""
    shape: Sequence[int | None]
    """Shape of one row; its first number is None if rows differ in length."""
    longest: int | None = None
    """The largest length of rows that differ in length."""

    @property
    def longest_shape(self) -> list[int]:
        """The shape of the longest row."""
        return [self.longest or 1 if axis is None else axis for axis in self.shape]


class Training(Contract):
    """The parts of a `train` job that are checked together with its graph."""

    recipe: Recipe
    callbacks: list[NameOrComponent] = Field(default_factory=list)
    checkpoints: Checkpoints | None = None
    """Which epochs are kept, if the best one is."""
    checkpoints_place: str = "/fit/checkpoints"
    """JSON Pointer to them."""
    freeze: list[str] = Field(default_factory=list)
    """Patterns of the paths of layers that are not trained."""
    validates: bool = True
    """Whether the job has validation."""
    inputs: dict[str, ColumnSpec] = Field(default_factory=dict)
    """The rows that feed each input."""
    targets: dict[str, ColumnSpec] = Field(default_factory=dict)
    """The rows that each output is compared with, as the training feeds them."""


class Donor(Contract):
    """The weights of a model that are copied to layers of equal name and shape."""

    model: ModelId
    shapes: dict[str, list[int]]
    """The shape of each of its variables, by key."""
    match: str | None = None
    """A pattern of the paths of layers; None: all layers."""


class CheckRequest(Contract):
    """A graph to check, and optionally a training to check with it."""

    blueprint: Blueprint
    limits: SizeLimits = SizeLimits()
    training: Training | None = None
    donor: Donor | None = None
    adapts: bool = True
    """Whether layers without a state learn it from the training data; those of a model that was
    made before have theirs in its weights."""


class CheckResult(Contract):
    """The summary of a graph, or its faults.

    The pointers of the two lists of faults start at different roots.
    """

    summary: Summary | None = None
    """None if the graph itself has faults."""
    faults: list[Fault] = Field(default_factory=list)
    """Faults of the graph; their pointers start at the definition."""
    recipe_faults: list[Fault] = Field(default_factory=list)
    """Faults of the training; their pointers start at the job's request, in which lists are
    resolved to names."""
    warnings: list[str] = Field(default_factory=list)
    """What a training that is accepted may not mean."""
    copied: list[str] = Field(default_factory=list)
    """The keys of the variables that are copied from the donor."""
    copy_notes: list[str] = Field(default_factory=list)
    """What is copied, and what is not."""
    row: RowBytes | None = None
    """Bytes of one row with the lengths of the columns; None if the graph leaves no length open,
    or there is no training."""
    targets: dict[str, TargetCheck] = Field(default_factory=dict)
    """By output; without outputs that have no loss, no target, or a loss with faults."""
    reported: dict[str, bool] = Field(default_factory=dict)
    """The metrics that Keras reports of the training, without those of the validation, and whether
    each has several values."""
    ranges: dict[str, list[ValueRange]] = Field(default_factory=dict)
    """The target values of the losses and metrics of each output."""
