"""The messages to the process that runs Optuna."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.sweeps.request import SweepRequest
from domain.sweeps.space import Suggestion
from domain.sweeps.sweep import TrialState


@dataclass(frozen=True)
class PastTrial:
    """A trial as Optuna sees it."""

    state: TrialState
    suggestion: Suggestion
    value: float | None = None
    epoch: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What Optuna's pruner remembers of it."""
    values: Mapping[int, float] = field(default_factory=dict)
    """The objective by epoch, from 1, where the pruner reads it."""


@dataclass(frozen=True)
class Study:
    """A sweep with all of its trials so far, by number."""

    request: SweepRequest
    seed: int
    epochs: int
    """The largest number of epochs of a trial."""
    trials: list[PastTrial]


@dataclass(frozen=True)
class Verdict:
    """What the pruner says of new epochs of a trial."""

    pruned_at: int | None
    """The epoch at which the trial ends; None if it goes on."""
    attributes: dict[str, Any]
