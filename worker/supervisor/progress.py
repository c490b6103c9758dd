"""Estimates how long the rest of a training takes."""

from collections.abc import Callable
from datetime import UTC, datetime

from domain.job.job import Progress
from worker.protocol.messages import Read


class Estimate:
    """Extrapolates the remaining time from the pace of the present attempt."""

    def __init__(self, epochs: int, clock: Callable[[], float], first: int = 0) -> None:
        """Starts without any progress.

        Args:
            epochs: All epochs of the job; 0 for a job that trains nothing, whose steps count.
            clock: A monotonic clock in seconds.
            first: The epochs that the job leaves out.
        """
        self._epochs, self._first = epochs, first
        self._clock = clock
        self._began: tuple[float, float] | None = None
        """Time and fraction at the first call of `estimate`."""
        self._bytes: tuple[int | None, int | None] = None, None
        """Bytes of an imported file that are read, and all of them."""

    def estimate(self, epoch: int, step: int, steps: int) -> Progress:
        """Returns the progress after `epoch` epochs and `step` of `steps` steps of the next one."""
        done = max(0, epoch - self._first) + (step / steps if steps else 0)
        fraction = done / max(1, self._epochs - self._first)
        return self._make(epoch, step, steps, fraction)

    def estimate_import(self, message: Read) -> Progress:
        """Returns the progress of an import that has read a number of bytes."""
        self._bytes = message.bytes, message.total
        return self._make(0, 0, 0, message.fraction)

    def _make(self, epoch: int, step: int, steps: int, fraction: float) -> Progress:
        read, total = self._bytes
        return Progress(
            epoch=epoch,
            epochs=self._epochs,
            step=step,
            steps=steps,
            bytes=read,
            bytes_total=total,
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

    def finish(self, epoch: int, steps: int = 0) -> Progress:
        """Returns the progress of a job that succeeded.

        Args:
            epoch: The finished epochs; a training may stop early.
            steps: The steps of a job without epochs.
        """
        steps = 0 if self._epochs else steps
        return self.estimate(epoch, steps, steps).model_copy(
            update={"fraction": 1.0, "seconds_remaining": 0.0}
        )
