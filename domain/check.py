"""The messages of a graph's check: what is asked of the Keras process, and its answer."""

from pydantic import Field

from domain.contract import Contract
from domain.errors import Fault
from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.job.recipe import NameOrComponent, Recipe
from domain.job.targets import TargetCheck


class SizeLimits(Contract):
    """The largest model that may be built; None means no limit."""

    parameters: int | None = Field(default=None, ge=0)
    weight_bytes: int | None = Field(default=None, ge=0)
    activation_bytes: int | None = Field(default=None, ge=0)
    """Bytes of the outputs of all nodes for one row; an unknown length counts as 1."""
    unrolled_steps: int | None = Field(default=None, ge=0)
    """Steps of all unrolled recurrent layers together."""


class ColumnSpec(Contract):
    """The dtype and shape of a dataset's column."""

    dtype: str
    """NumPy's name; a name that NumPy does not know means text."""
    shape: list[int]
    """Shape of one row."""


class Training(Contract):
    """The parts of a `train` job that are checked together with its graph."""

    recipe: Recipe
    callbacks: list[NameOrComponent] = Field(default_factory=list)
    columns: dict[str, ColumnSpec] = Field(default_factory=dict)
    """The dataset's columns by name; at least those that the recipe names."""


class CheckRequest(Contract):
    """A graph to check, and optionally a training to check with it."""

    blueprint: Blueprint
    limits: SizeLimits = SizeLimits()
    training: Training | None = None


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
    targets: dict[str, TargetCheck] = Field(default_factory=dict)
    """By output; without outputs that have no loss, no target, or a loss with faults."""
