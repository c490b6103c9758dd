"""How long the rest of a training will take."""

from collections.abc import Callable
from datetime import UTC, datetime

from domain.job.job import Progress


class Estimate:
    """Follows one attempt's progress and extrapolates from its own pace."""

    def __init__(self, epochs: int, clock: Callable[[], float]) -> None:
        self._epochs = epochs
        self._clock = clock
        self._began: tuple[float, float] | None = None

    def at(self, epoch: int, step: int, steps: int) -> Progress:
        """The progress after `epoch` whole epochs and `step` steps of the next."""
        fraction = (epoch + (step / steps if steps else 0)) / self._epochs if self._epochs else 0.0
        return Progress(
            epoch=epoch,
            epochs=self._epochs,
            step=step,
            steps=steps,
            fraction=fraction,
            seconds_remaining=self._remaining(fraction),
            updated_at=datetime.now(UTC),
        )

    def _remaining(self, fraction: float) -> float | None:
        now = self._clock()
        if self._began is None:
            self._began = (now, fraction)
        began, done_before = self._began
        done = fraction - done_before
        return (now - began) / done * (1 - fraction) if done > 0 else None

    def finished(self, epoch: int) -> Progress:
        """The progress of a job that succeeded, early stopping included."""
        return self.at(epoch, 0, 0).model_copy(update={"fraction": 1.0, "seconds_remaining": 0.0})
