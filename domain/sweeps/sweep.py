"""A sweep and its trials, in their current state."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field, JsonValue

from domain.contract import Result
from domain.errors import Fault
from domain.ids import JobId, ModelId, SweepId


class SweepState(StrEnum):
    """The state of a sweep."""

    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether no other state can follow."""
        return self not in ACTIVE


ACTIVE = (SweepState.RUNNING, SweepState.CANCELLING)
"""The states of a sweep that has not ended."""


class TrialState(StrEnum):
    """The state of a trial."""

    RUNNING = "running"
    """Its job has not ended."""
    SUCCEEDED = "succeeded"
    PRUNED = "pruned"
    FAILED = "failed"
    CANCELLED = "cancelled"


Parameters = dict[str, JsonValue]
"""The values of a trial's parameters by JSON Pointer into the job request."""


class SweepError(Result):
    """Why a trial or a sweep failed."""

    detail: str
    errors: list[Fault] = []
    """Every fault of the trial's request, if it was refused; the pointers lead into it."""


class Trial(Result):
    """One trial of a sweep."""

    number: int
    """Counts from 0."""
    state: TrialState
    parameters: Parameters = Field(examples=[{"/compile/optimizer/config/learning_rate": 0.0031}])
    value: float | None
    """The objective of the model, or of a pruned trial at its last epoch that counts."""
    epoch: int | None
    """The epoch of `value`, from 1."""
    job: JobId | None
    """The trial's job; `null` if its request was refused."""
    model: ModelId | None
    """The trial's model, if it is kept."""
    error: SweepError | None
    created_at: datetime
    finished_at: datetime | None


class TrialCounts(Result):
    """The numbers of trials by state."""

    total: int
    """The number of trials that the sweep has when it has succeeded."""
    running: int = 0
    succeeded: int = 0
    pruned: int = 0
    failed: int = 0
    cancelled: int = 0


class Sweep(Result):
    """A sweep in its current state."""

    id: SweepId
    name: str | None
    state: SweepState
    is_terminal: bool
    created_at: datetime
    finished_at: datetime | None
    trials: TrialCounts
    best: Trial | None
    """The succeeded trial with the best value."""
    importances: dict[str, float] | None
    """The importance of each parameter by its pointer, as Optuna's PED-ANOVA finds it; they sum to
    1. `null` while too few trials have succeeded."""
    error: SweepError | None
    request: dict[str, JsonValue]
