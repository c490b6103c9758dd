"""A job: its request, its state, and the allowed transitions between states."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, LiteralString

from pydantic import Discriminator, Field, JsonValue, StringConstraints, Tag, model_validator

from domain.contract import WHOLE, Contract, Result
from domain.dataset import ColumnName, DatasetIdOrRequest, DatasetRequest
from domain.early_stop import STOP_EARLY, limit_length
from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from domain.graph.language import GraphOrId
from domain.ids import DatasetId, JobId, ModelId, SweepId, UploadId
from domain.job.preparation import ClassValues, Missing, Window
from domain.job.recipe import Compile, Fit, LayerPattern
from domain.metric_values import Metrics

Kind = Literal["train", "build", "import", "evaluate", "predict"]
INFERENCE = ("evaluate", "predict")
"""The kinds of jobs that compute the outputs of a model for the rows of a dataset."""


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
Source = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]
MOST_KEPT = 10_000
"""The most columns that a `predict` job copies."""
MOST_METADATA = 1_000
"""Maximum number of metadata keys; the setting MAX_METADATA may only lower it."""
_TOO_MANY: LiteralString = (
    "A job has at most {most} metadata keys (MAX_METADATA); this one has {length}"
)


def _list_or_mapping(value: object) -> str:
    return "<list>" if isinstance(value, list | tuple) else "<mapping>"


Columns = Annotated[
    Annotated[list[ColumnName | None], STOP_EARLY, Tag("<list>")]
    | Annotated[dict[str, ColumnName], STOP_EARLY, Tag("<mapping>")],
    Discriminator(_list_or_mapping),
]
"""A list of columns in graph order, or a mapping from the names of inputs or outputs."""


def _text_or_list(value: object) -> str:
    if value is None:
        return "<none>"
    return "<list>" if isinstance(value, list | tuple) else "<text>"


MOST_SIDE_BY_SIDE = 10_000
"""The most columns that are put side by side."""
SideBySide = Annotated[
    list[ColumnName], STOP_EARLY, Field(min_length=1, max_length=MOST_SIDE_BY_SIDE)
]
_OneOrMore = Annotated[
    Annotated[ColumnName, Tag("<text>")] | Annotated[SideBySide, Tag("<list>")],
    Discriminator(_text_or_list),
]
_NoneOrMore = Annotated[
    Annotated[None, Tag("<none>")]
    | Annotated[ColumnName, Tag("<text>")]
    | Annotated[SideBySide, Tag("<list>")],
    Discriminator(_text_or_list),
]
InputColumns = Annotated[
    Annotated[list[_NoneOrMore], STOP_EARLY, Tag("<list>")]
    | Annotated[dict[str, _OneOrMore], STOP_EARLY, Tag("<mapping>")],
    Discriminator(_list_or_mapping),
]
"""As `Columns`; an entry may be a list of columns, which are put side by side."""


class Feed(Contract):
    """Which column goes to which input or output; if left out, the column of the same name."""

    inputs: InputColumns | None = None
    """An entry is a column, or a list of columns that are put side by side along the last axis;
    columns with one number in each row become one vector."""
    targets: Columns | None = None
    sample_weights: Annotated[dict[str, ColumnName], STOP_EARLY] = {}
    """Column of weights by output."""
    classes: Annotated[dict[str, ClassValues], STOP_EARLY] = {}
    """The classes of a target by column, in the order of their indices. A target of text has its
    sorted distinct values by default."""
    missing: Annotated[dict[str, Missing], STOP_EARLY] = {}
    """What takes the place of missing values by column: `mean`, `median` or `most_frequent` of the
    training rows, a value, or `drop`, which leaves their rows out."""
    window: Window | None = None
    """If given, an input gets windows of consecutive rows."""
    bucket: bool = Field(default=False, strict=True)
    """Whether rows of like length are batched together; for columns whose rows differ in length."""


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


class InitialWeights(Contract):
    """A model whose weights are copied to layers of equal name and shape."""

    source: ModelId = Field(alias="from")
    """The id of the model."""
    match: LayerPattern | None = None
    """Copy the layers whose paths match a pattern alone, e.g. `encoder/*`."""


class JobRequest(Contract):
    """The request of a job."""

    kind: Kind = "train"
    """`train`: a model trained on a dataset; `build`: a model with its initial weights, made from
    graph and seed alone; `import`: a dataset, made of an upload or of a file elsewhere;
    `evaluate`: the metrics of a model on a dataset; `predict`: a dataset of the outputs of a model
    for the rows of another."""
    name: Text | None = None
    metadata: Annotated[dict[Key, Text], STOP_EARLY, limit_length(MOST_METADATA, _TOO_MANY)] = {}
    graph: GraphOrId | None = None
    """The id of a stored graph, or a definition."""
    model: ModelId | None = None
    """The id of a model whose weights training starts from; the job makes a new model. An
    `evaluate` or `predict` job computes its outputs."""
    optimizer_state: bool = Field(default=False, strict=True)
    """Whether training goes on with the optimizer of that model where it stopped, and with its
    order of rows; the seed is then that of the model's job, if none is given."""
    initial_weights: InitialWeights | None = None
    """Copies the weights of layers from a model to the graph's layers of equal name and shape."""
    dataset: DatasetIdOrRequest | None = None
    """The id of a stored dataset, or the body of `POST /v1/datasets`, which is then stored."""
    validation_dataset: DatasetIdOrRequest | None = None
    """As `dataset`."""
    upload: UploadId | None = None
    """The id of a complete upload, which an `import` job reads."""
    source: Source | None = None
    """The address of a file that an `import` job fetches: `https://...` or `s3://bucket/key`. The
    service allows certain hosts only."""
    format: Text | None = None
    """The media type of the file of an `import` job; if left out, it is found by the file's type,
    its name or its first bytes."""
    options: ReadOptions = DEFAULT_OPTIONS
    """How an `import` job reads the file: the parameters of `POST /v1/datasets`."""
    feed: Feed = Feed()
    compile: Compile = Compile()
    """An `evaluate` job takes `loss`, `loss_weights` and `metrics`; left out, they are those of the
    model's training."""
    fit: Fit = Fit()
    batch_size: Annotated[int, Field(strict=True, ge=1, le=10_000_000), WHOLE] | None = None
    """Rows of each batch of an `evaluate` or `predict` job. If left out, 32 as in Keras's
    `evaluate`; a `predict` job takes up to 1,024, as many as fit into little memory."""
    keep: Annotated[list[ColumnName], STOP_EARLY, Field(max_length=MOST_KEPT)] = []
    """Columns that a `predict` job copies beside the outputs."""
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32), WHOLE] | None = None
    """If left out, the server chooses a random seed and records it."""
    deterministic: bool = Field(default=True, strict=True)
    priority: Annotated[int, Field(strict=True, ge=-1000, le=1000), WHOLE] = 0
    """Jobs with a higher priority run first."""
    mixed_precision: bool = Field(default=False, strict=True)
    """Trains with Keras's `mixed_float16` on a GPU, `mixed_bfloat16` on a CPU."""
    resources: Resources = Resources()
    limits: JobLimits = JobLimits()

    @property
    def validates(self) -> bool:
        """Whether each epoch ends with a validation."""
        return self.validation_dataset is not None or self.fit.validation_split > 0

    @model_validator(mode="after")
    def _one_source(self) -> "JobRequest":
        one_of_both = self.kind in ("train", "build")
        if one_of_both and (self.graph is None) == (self.model is None):
            raise ValueError("exactly one of `graph` and `model` is needed")
        return self

    @property
    def donor_id(self) -> ModelId | None:
        """The model whose weights are copied."""
        return None if self.initial_weights is None else self.initial_weights.source

    @property
    def dataset_ids(self) -> dict[str, DatasetId]:
        """The ids of stored datasets, by the field that names them."""
        given = {"dataset": self.dataset, "validation_dataset": self.validation_dataset}
        return {name: value for name, value in given.items() if isinstance(value, str)}

    @property
    def dataset_bodies(self) -> dict[str, DatasetRequest]:
        """The datasets that are written out, by field."""
        given = {"dataset": self.dataset, "validation_dataset": self.validation_dataset}
        return {name: value for name, value in given.items() if isinstance(value, DatasetRequest)}


class Progress(Result):
    """The progress of a job."""

    epoch: int
    """Number of finished epochs."""
    epochs: int
    step: int
    """Number of finished steps of the current epoch, or of finished batches of an `evaluate` or
    `predict` job."""
    steps: int
    bytes: int | None = None
    """Number of bytes of the file that an `import` job has read; `null` for other jobs."""
    bytes_total: int | None = None
    """Number of bytes of the whole file; `null` if it is unknown."""
    fraction: float
    seconds_remaining: float | None
    updated_at: datetime


class Stop(Result):
    """Why a training ended before its epochs."""

    epoch: int
    """Number of the last epoch, from 1."""
    reason: Literal["early_stopping", "terminate_on_nan", "asked"]
    """`early_stopping`: the monitor of `EarlyStopping` no longer improved. `terminate_on_nan`: the
    loss was NaN or infinite. `asked`: the client ended the training by `POST .../finish`."""
    step: int | None = None
    """Number of steps of that epoch that were trained; `null` if all of them were."""
    monitor: str | None = None
    """The metric that `EarlyStopping` monitored."""


class Best(Result):
    """The best epoch of a training, as its `EarlyStopping` or its `checkpoints` found it."""

    epoch: int
    """Number of the epoch, from 1."""
    monitor: str
    """The metric that was monitored."""
    value: float


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
    kind: Kind
    name: str | None
    metadata: dict[str, str]
    state: JobState
    is_terminal: bool
    position: int | None = None
    """The number of queued jobs that a worker takes before this one, 1,000 if there are more;
    `null` unless the job is queued."""
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: Progress
    metrics: Metrics
    """Metrics of the latest epoch, or of the rows so far of an `evaluate` job."""
    stopped: Stop | None
    """Why the training ended before its epochs; `null` if it did not."""
    best: Best | None
    """The best epoch; `null` unless the job has succeeded, and has an `EarlyStopping` or looks for
    the `best` of its `checkpoints`."""
    model: ModelId | None
    """The model that a `train` or `build` job has made."""
    dataset: DatasetId | None = None
    """The dataset that an `import` or `predict` job has made."""
    sweep: SweepId | None = None
    """The sweep of which the job is a trial."""
    warnings: list[str]
    error: JobError | None
    environment: dict[str, JsonValue] | None
    bit_exact: bool | None
    """Whether the result equals that of an uninterrupted run bit for bit; false once it cannot."""
    transitions: list[Transition]
    request: dict[str, JsonValue]


class KeptCheckpoint(Result):
    """The weights of an epoch that the job keeps."""

    epoch: int
    """Number of the epoch, from 1."""
    step: int
    """Number of steps that the job has trained until then."""
    metrics: Metrics
    """Metrics of the epoch."""
    bytes: int
    created_at: datetime


class Epoch(Result):
    """One finished epoch."""

    epoch: int
    """Number of the epoch, from 1."""
    seconds: float
    metrics: Metrics
