"""A job: what was asked, where it stands, and which steps its life may take."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator, Field, JsonValue, StringConstraints, Tag, model_validator

from domain.contract import WHOLE, Contract, Result
from domain.dataset import ColumnName
from domain.graph.language import GraphOrId
from domain.ids import DatasetId, JobId, ModelId
from domain.job.recipe import Compile, Fit


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows."""
        return not TRANSITIONS[self]


_S = JobState
_ENDS = {_S.SUCCEEDED, _S.FAILED, _S.CANCELLED}
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    _S.QUEUED: frozenset({_S.RUNNING, _S.PAUSED, _S.CANCELLED}),
    _S.RUNNING: frozenset({*_ENDS, _S.CANCELLING, _S.PAUSING, _S.QUEUED}),
    _S.PAUSING: frozenset({*_ENDS, _S.CANCELLING, _S.PAUSED}),
    _S.PAUSED: frozenset({_S.QUEUED, _S.CANCELLED}),
    _S.CANCELLING: frozenset(_ENDS),
    _S.SUCCEEDED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}

Key = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Text = Annotated[str, StringConstraints(max_length=512)]


def _list_or_mapping(value: object) -> str:
    return "<list>" if isinstance(value, list | tuple) else "<mapping>"


Columns = Annotated[
    Annotated[list[ColumnName | None], Tag("<list>")]
    | Annotated[dict[str, ColumnName], Tag("<mapping>")],
    Discriminator(_list_or_mapping),
]
"""Columns in graph order, or by the name of the input or output."""


class Feed(Contract):
    """Which column goes where; what is left out is matched by name."""

    inputs: Columns | None = None
    targets: Columns | None = None
    sample_weights: dict[str, ColumnName] = {}
    """By output."""


class JobLimits(Contract):
    """Bounds that this job sets itself."""

    seconds: Annotated[float, Field(strict=True, gt=0)] | None = None
    """Of running time over all attempts; past it the job fails."""


class Resources(Contract):
    """What a worker must offer to be given the job."""

    device: Literal["any", "cpu", "gpu"] = "any"
    gpus: Annotated[int, Field(strict=True, ge=1, le=64), WHOLE] = 1
    """Of one worker, where `device` is `gpu`; several train by `tf.distribute.MirroredStrategy`."""
    memory_bytes: Annotated[int, Field(strict=True, ge=1, lt=2**63), WHOLE] | None = None
    """Of the device; left out, what the check of graph and data estimated."""


class JobRequest(Contract):
    """A job, which reads like the Keras script it replaces."""

    kind: Literal["train", "build"] = "train"
    """`build`: a model with its initial weights, from graph and seed alone."""
    name: Text | None = None
    metadata: dict[Key, Text] = {}
    graph: GraphOrId | None = None
    """The id of a stored graph, or a definition."""
    model: ModelId | None = None
    """Go on from this model's weights; a new model results."""
    dataset: DatasetId | None = None
    validation_dataset: DatasetId | None = None
    feed: Feed = Feed()
    compile: Compile = Compile()
    fit: Fit = Fit()
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32), WHOLE] | None = None
    """Left out: drawn and recorded."""
    deterministic: bool = Field(default=True, strict=True)
    priority: Annotated[int, Field(strict=True, ge=-1000, le=1000), WHOLE] = 0
    """Higher goes first."""
    mixed_precision: bool = Field(default=False, strict=True)
    """Keras's `mixed_float16` on a GPU, `mixed_bfloat16` on a CPU."""
    resources: Resources = Resources()
    limits: JobLimits = JobLimits()

    @model_validator(mode="after")
    def _one_source(self) -> "JobRequest":
        if (self.graph is None) == (self.model is None):
            raise ValueError("exactly one of `graph` and `model` is needed")
        return self


class Progress(Result):
    """How far a job has come."""

    epoch: int
    """Finished epochs."""
    epochs: int
    step: int
    """Finished steps of the present epoch."""
    steps: int
    fraction: float
    seconds_remaining: float | None
    updated_at: datetime


class JobError(Result):
    """Why a job failed."""

    type: str
    title: str
    detail: str
    category: Literal["user", "infrastructure"]
    pointer: str | None = None
    """Into the job's request, where one place is at fault."""


class Transition(Result):
    """One step of a job's life."""

    state: JobState
    at: datetime
    reason: str
    """Of the last step of a queued job that no worker can take: `waiting: ` and why."""


class Job(Result):
    """A job as it stands."""

    id: JobId
    kind: Literal["train", "build"]
    name: str | None
    metadata: dict[str, str]
    state: JobState
    is_terminal: bool
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: Progress
    metrics: dict[str, float]
    """Those of the latest epoch."""
    model: ModelId | None
    warnings: list[str]
    error: JobError | None
    environment: dict[str, JsonValue] | None
    bit_exact: bool | None
    """Whether the result equals an undisturbed run's bit for bit; false as soon as it will not."""
    transitions: list[Transition]
    request: dict[str, JsonValue]


class Epoch(Result):
    """One finished epoch."""

    epoch: int
    """Counted from 1."""
    seconds: float
    metrics: dict[str, float]
