"""A job: its request, its state, and the allowed transitions between states."""

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
    """The state of a job."""

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
        """Whether no other state can follow."""
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
"""A list of columns in graph order, or a mapping from the names of inputs or outputs."""


class Feed(Contract):
    """Which column goes to which input or output; if left out, the column of the same name."""

    inputs: Columns | None = None
    targets: Columns | None = None
    sample_weights: dict[str, ColumnName] = {}
    """Column of weights by output."""


class JobLimits(Contract):
    """Limits that apply to this job alone."""

    seconds: Annotated[float, Field(strict=True, gt=0)] | None = None
    """Maximum running time over all attempts, in seconds; a job that exceeds it fails."""


class Resources(Contract):
    """Resources that a worker must offer to run the job."""

    device: Literal["any", "cpu", "gpu"] = "any"
    gpus: Annotated[int, Field(strict=True, ge=1, le=64), WHOLE] = 1
    """Number of GPUs of one worker; several need `"device": "gpu"` and train with
    `tf.distribute.MirroredStrategy`."""
    memory_bytes: Annotated[int, Field(strict=True, ge=1, lt=2**63), WHOLE] | None = None
    """Memory of each device; if left out, an estimate from graph and data."""


class JobRequest(Contract):
    """The request of a job."""

    kind: Literal["train", "build"] = "train"
    """`train`: a model trained on a dataset; `build`: a model with its initial weights, made from
    graph and seed alone."""
    name: Text | None = None
    metadata: dict[Key, Text] = {}
    graph: GraphOrId | None = None
    """The id of a stored graph, or a definition."""
    model: ModelId | None = None
    """The id of a model whose weights training starts from; the job makes a new model."""
    dataset: DatasetId | None = None
    validation_dataset: DatasetId | None = None
    feed: Feed = Feed()
    compile: Compile = Compile()
    fit: Fit = Fit()
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32), WHOLE] | None = None
    """If left out, the server chooses a random seed and records it."""
    deterministic: bool = Field(default=True, strict=True)
    priority: Annotated[int, Field(strict=True, ge=-1000, le=1000), WHOLE] = 0
    """Jobs with a higher priority run first."""
    mixed_precision: bool = Field(default=False, strict=True)
    """Trains with Keras's `mixed_float16` on a GPU, `mixed_bfloat16` on a CPU."""
    resources: Resources = Resources()
    limits: JobLimits = JobLimits()

    @model_validator(mode="after")
    def _one_source(self) -> "JobRequest":
        if (self.graph is None) == (self.model is None):
            raise ValueError("exactly one of `graph` and `model` is needed")
        return self


class Progress(Result):
    """The progress of a job."""

    epoch: int
    """Number of finished epochs."""
    epochs: int
    step: int
    """Number of finished steps of the current epoch."""
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
    """JSON Pointer into the job's request, if one place is at fault."""


class Transition(Result):
    """One change of a job's state."""

    state: JobState
    at: datetime
    reason: str
    """Why the state changed. If no worker can take a queued job, the last reason is `waiting: `
    followed by the cause."""


class Job(Result):
    """A job in its current state."""

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
    """Metrics of the latest epoch."""
    model: ModelId | None
    warnings: list[str]
    error: JobError | None
    environment: dict[str, JsonValue] | None
    bit_exact: bool | None
    """Whether the result equals that of an uninterrupted run bit for bit; false once it cannot."""
    transitions: list[Transition]
    request: dict[str, JsonValue]


class Epoch(Result):
    """One finished epoch."""

    epoch: int
    """Number of the epoch, from 1."""
    seconds: float
    metrics: dict[str, float]
