"""The result of a training besides its weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from domain.job.job import Best, Epoch, Stop
from domain.metric_values import Metrics
from domain.model import ModelFile


@dataclass(frozen=True)
class Trained:
    """The epochs of a training, and which of them the weights belong to."""

    history: list[Epoch] = field(default_factory=list)
    """All epochs, including those of earlier attempts; empty for a `build` job."""
    kept: int | None = None
    """Number of the epoch whose weights the model has, from 1; None for a `build` job."""
    stopped: Stop | None = None
    """Why the training ended before its epochs."""
    best: Best | None = None
    """The best epoch, if a callback looked for it."""
    optimizer: ModelFile | None = None
    """The file with the state of the optimizer; None for a `build` job."""
    missing: Mapping[str, JsonValue] = field(default_factory=dict)
    """What takes the place of missing values, by input; as `Signature.missing`."""

    @property
    def last_epoch(self) -> int | None:
        """Number of the last epoch that was trained; None for a `build` job."""
        return self.history[-1].epoch if self.history else None

    @property
    def metrics(self) -> Metrics:
        """Metrics of the epoch whose weights the model has; empty for a `build` job."""
        return next((item.metrics for item in self.history if item.epoch == self.kept), {})
