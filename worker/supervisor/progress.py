"""Estimates how long the rest of a training takes."""

from collections.abc import Callable
from datetime import UTC, datetime

from domain.job.job import Progress


class Estimate:
    """Extrapolates the remaining time from the pace of the present attempt."""

    def __init__(self, epochs: int, clock: Callable[[], float]) -> None:
        """Starts without any progress.

        Args:
            epochs: All epochs of the job; 0 for a job that trains nothing.
            clock: A monotonic clock in seconds.
        """
        self._epochs = epochs
        self._clock = clock
        self._began: tuple[float, float] | None = None
        """Time and fraction at the first call of `estimate`."""

    def estimate(self, epoch: int, step: int, steps: int) -> Progress:
        """Returns the progress after `epoch` epochs and `step` of `steps` steps of the next one."""
        fraction = (epoch + (step / steps if steps else 0)) / self._epochs if self._epochs else 0.0
        return Progress(
            epoch=epoch,
            epochs=self._epochs,
            step=step,
            steps=steps,
            fraction=fraction,
            seconds_remaining=self._estimate_remaining(fraction),
            updated_at=datetime.now(UTC),
        )

    def _estimate_remaining(self, fraction: float) -> float | None:
        now = self._clock()
        if self._began is None:
            self._began = (now, fraction)
        began, done_before = self._began
        done = fraction - done_before
        return (now - began) / done * (1 - fraction) if done > 0 else None

    def finish(self, epoch: int) -> Progress:
        """Returns the progress of a job that succeeded after `epoch` epochs; it may stop early."""
        return self.estimate(epoch, 0, 0).model_copy(
            update={"fraction": 1.0, "seconds_remaining": 0.0}
        )
