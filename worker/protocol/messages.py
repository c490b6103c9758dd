"""What the training process and its supervisor say to each other through their pipe."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from domain.model import FileLeftOut, ModelFile

Metrics = Mapping[str, float]
"""Keras's names to values, which may be NaN or infinite."""


@dataclass(frozen=True)
class Started:
    """The model is built (and, with a checkpoint, restored); training begins."""

    environment: Mapping[str, str | int | bool | None]
    epoch: int
    """Epochs finished by earlier attempts: 0 unless a checkpoint was restored."""
    step: int
    """Steps of the next epoch that they finished."""
    steps: int
    """Of one epoch; 0 for a `build`."""


@dataclass(frozen=True)
class Stepped:
    """Progress within an epoch: at least once a second, at most about four times."""

    epoch: int
    """Finished epochs."""
    step: int
    """Finished steps of the present epoch."""
    steps: int
    metrics: Metrics
    """So far in the present epoch."""


@dataclass(frozen=True)
class EpochEnded:
    """An epoch is finished, validation included."""

    epoch: int
    """Counted from 1."""
    seconds: float
    metrics: Metrics
    checkpoint: ModelFile | None
    """All that a resume after this epoch needs; not every epoch is worth one."""


@dataclass(frozen=True)
class Checkpointed:
    """Within an epoch: all that a resume needs is written, because it was time, or asked for."""

    epoch: int
    """Finished epochs."""
    step: int
    """Finished steps of the present epoch; all of them before its validation."""
    steps: int
    checkpoint: ModelFile | None
    """`None` where it was asked for and nothing has happened since the last one."""


@dataclass(frozen=True)
class Warned:
    """Something the client should know that does not fail the job."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The last word of a job that succeeded; every file is in place."""

    files: tuple[ModelFile, ...]
    files_left_out: tuple[FileLeftOut, ...]
    metrics: Metrics
    """Of the last epoch; empty for a `build`."""


@dataclass(frozen=True)
class Failed:
    """The last word of a job that failed; no trace, no server path."""

    type: str
    """A short slug, e.g. `index-out-of-range`."""
    title: str
    detail: str
    category: Literal["user", "infrastructure"]
    pointer: str | None = None
    """Into the job's request, where one place is at fault."""


@dataclass(frozen=True)
class Renewed:
    """From the supervisor: the lease holds for another `lease_seconds` from `at`."""

    at: float = field(default_factory=time.monotonic)
    """This machine's monotonic clock just before the lease was renewed: a message that lay
    unread while both processes were stopped must not renew anything."""


@dataclass(frozen=True)
class Save:
    """From the supervisor: write a checkpoint as soon as you can, and say so."""


FromSupervisor = Renewed | Save

FromChild = Started | Stepped | EpochEnded | Checkpointed | Warned | Finished | Failed
"""Ends with `Finished` or `Failed`, unless the process dies first."""
