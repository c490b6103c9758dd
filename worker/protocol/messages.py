"""Messages between a training process and its supervisor, sent through their pipe."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from domain.job.outcome import Outcome
from domain.metric_values import MetricValue
from domain.model import ModelFile

Metrics = Mapping[str, MetricValue]
"""Values by Keras's name; they may be NaN or infinite."""


@dataclass(frozen=True)
class Started:
    """The model is built and, with a checkpoint, restored; training begins."""

    environment: Mapping[str, str | int | bool | None]
    epoch: int
    """Epochs finished by earlier attempts; `initial_epoch` unless a checkpoint was restored."""
    step: int
    """Steps of the next epoch finished by earlier attempts."""
    steps: int
    """Steps of one epoch; 0 for a `build` job."""


@dataclass(frozen=True)
class Stepped:
    """Progress within an epoch, sent at least once and at most about four times a second."""

    epoch: int
    """Finished epochs."""
    step: int
    """Finished steps of the present epoch."""
    steps: int
    """Steps of one epoch."""
    metrics: Metrics
    """Metrics of the present epoch so far."""


@dataclass(frozen=True)
class Read:
    """Progress of an import, sent at most about four times a second."""

    bytes: int
    """Bytes of the file that are read."""
    total: int | None
    """Bytes of the whole file; None if they are not known yet."""
    fraction: float
    """Part of the work that is done, from 0 to 1."""


@dataclass(frozen=True)
class Downloaded:
    """A part of a file from elsewhere was fetched. The supervisor stores it."""

    file: ModelFile
    start: int
    """Place of its first byte in the file."""
    total: int | None
    """Bytes of the whole file; None if the server does not tell."""
    validator: str | None
    """Strong entity tag of the file; None if the server gives none."""
    media_type: str


@dataclass(frozen=True)
class FetchRestarted:
    """The file elsewhere has changed, or its server gives no ranges: its parts are of no use."""


@dataclass(frozen=True)
class Kept:
    """The weights of an epoch that the job keeps."""

    file: ModelFile
    step: int
    """Steps that the job has trained."""
    dropped: tuple[int, ...] = ()
    """Epochs that the job no longer keeps."""


@dataclass(frozen=True)
class EpochEnded:
    """An epoch is finished, including its validation."""

    epoch: int
    """The number of the epoch, counted from 1."""
    seconds: float
    metrics: Metrics
    checkpoint: ModelFile | None
    """A checkpoint from which a resume continues after this epoch, if one was written."""
    kept: Kept | None = None
    """The weights of this epoch, if the job keeps them."""


@dataclass(frozen=True)
class Checkpointed:
    """A checkpoint within an epoch was written, because it was due or requested."""

    epoch: int
    """Finished epochs."""
    step: int
    """Finished steps of the present epoch; all of them during its validation."""
    steps: int
    """Steps of one epoch."""
    checkpoint: ModelFile | None
    """None if a checkpoint was requested and nothing has changed since the last one."""


@dataclass(frozen=True)
class Computed:
    """The outputs of some batches were written to a file. The supervisor stores it."""

    file: ModelFile
    start: int
    """The first batch, from 0."""
    stop: int
    """The batch after the last."""
    steps: int
    """All batches of the job."""


@dataclass(frozen=True)
class Warned:
    """A warning for the client that does not fail the job."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The last message of a job that succeeded. All files of the outcome are written."""

    outcome: Outcome


@dataclass(frozen=True)
class Failed:
    """The last message of a job that failed. It contains no traceback and no path of the server."""

    type: str
    """A short slug, e.g. `index-out-of-range`."""
    title: str
    detail: str
    category: Literal["user", "infrastructure"]
    pointer: str | None = None
    """A JSON Pointer into the job's request, if one place there is at fault."""


@dataclass(frozen=True)
class Renewed:
    """From the supervisor: the lease lasts for `lease_seconds` from `at`."""

    at: float = field(default_factory=time.monotonic)
    """This machine's monotonic clock just before the renewal. A message that was read late, since
    both processes were stopped, must not extend the lease."""


@dataclass(frozen=True)
class SaveCheckpoint:
    """From the supervisor: write a checkpoint as soon as possible and report it."""


@dataclass(frozen=True)
class FinishTraining:
    """From the supervisor: end the training after the running execution and keep what it has."""


FromSupervisor = Renewed | SaveCheckpoint | FinishTraining

OfImport = Read | Downloaded | FetchRestarted
"""The messages of `import` jobs alone."""
FromChild = (
    Started | Stepped | OfImport | EpochEnded | Checkpointed | Computed | Warned | Finished | Failed
)
"""The last message is `Finished` or `Failed`, unless the process dies first."""
