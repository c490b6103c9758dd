"""Callbacks that the service has beside those of Keras."""

from collections.abc import Mapping

import keras


class LearningRateSchedule(keras.callbacks.LearningRateScheduler):
    """Sets the learning rate at the beginning of epochs, by a table.

    Between two epochs of the table the rate stays as it is, or as other callbacks change it.

    Args:
        rates: The learning rate by the number of the epoch, counted from 1.
    """

    initial_epoch = 0
    """The number of epochs that the job leaves out."""

    def __init__(self, rates: Mapping[str, float]) -> None:
        """Takes the table."""
        self.rates = {int(epoch): float(rate) for epoch, rate in rates.items()}
        super().__init__(self._find_rate)

    def _find_rate(self, epoch: int, rate: float) -> float:
        """Return the rate of an epoch, counted from 0; the first one may follow one of the table.

        Args:
            epoch: The epoch.
            rate: The present rate.
        """
        if epoch != self.initial_epoch:
            return self.rates.get(epoch + 1, rate)
        past = [number for number in self.rates if number <= epoch + 1]
        return self.rates[max(past)] if past else rate


class ModelCheckpoint(keras.callbacks.Callback):
    """Keeps the weights of epochs, as `fit.checkpoints` does; the training itself writes them.

    Args:
        every: Keep each so many epochs. Left out: every epoch, or with `best` the best one alone.
        best: A metric, e.g. `val_loss`; the best epoch so far is kept, too.
        mode: `min` or `max`: which values of `best` are better. Left out: Keras decides.
        keep: Keep the latest so many; the best one stays beside them. Left out: all of them.
        monitor: Keras's name of `best`; it counts with `save_best_only`.
        save_best_only: Whether `monitor` is the metric of the best epoch, by default `val_loss`.
        save_freq: `epoch`.
    """

    def __init__(
        self,
        every: int | None = None,
        best: str | None = None,
        mode: str | None = None,
        keep: int | None = None,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        save_freq: str = "epoch",
    ) -> None:
        """Takes the fields of `fit.checkpoints`, or Keras's arguments in their place."""
        super().__init__()
