"""Saves and restores the state of Keras's callbacks, which Keras does not do itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from compiler.keras_private import SWAPPED, settle_averages
from compiler.training.callbacks import LearningRateSchedule, ModelCheckpoint
from domain.job.job import Best, Stop

Arrays = dict[str, np.ndarray[Any, Any]]

STATE: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.TerminateOnNaN: (),
    keras.callbacks.SwapEMAWeights: (SWAPPED,),
    LearningRateSchedule: (),
    ModelCheckpoint: (),
}
"""The attributes that each callback keeps from epoch to epoch, besides its best weights."""


def get_state(callbacks: Sequence[Any]) -> list[dict[str, Any]]:
    """Returns numbers by attribute, one mapping for each callback."""
    return [{name: getattr(item, name) for name in STATE[type(item)]} for item in callbacks]


def get_best_weights(callbacks: Sequence[Any]) -> Arrays:
    """Returns the best weights of callbacks, by the names `callback/{callback}/{weight}`."""
    return {
        f"callback/{i}/{j}": array
        for i, item in enumerate(callbacks)
        for j, array in enumerate(getattr(item, "best_weights", None) or ())
    }


def restore(
    callbacks: Sequence[Any], state: Sequence[Mapping[str, Any]], weights: Mapping[str, Any]
) -> None:
    """Restores state and best weights; call it after `on_train_begin`, which resets callbacks."""
    for i, (item, values) in enumerate(zip(callbacks, state, strict=True)):
        for name, value in values.items():
            setattr(item, name, value)
        best = [name for name in weights if name.startswith(f"callback/{i}/")]
        if best:
            item.best_weights = [weights[f"callback/{i}/{j}"] for j in range(len(best))]


def begin(callbacks: Sequence[Any], initial_epoch: int) -> None:
    """Tells the callbacks that count epochs how many the job leaves out."""
    for item in callbacks:
        if isinstance(item, LearningRateSchedule):
            item.initial_epoch = initial_epoch


def settle(callbacks: Sequence[Any]) -> None:
    """Makes moving averages that are in the model final; call it after the last epoch."""
    for item in callbacks:
        if isinstance(item, keras.callbacks.SwapEMAWeights):
            settle_averages(item)


def get_kept_epoch(callbacks: Sequence[Any], epochs: int) -> int:
    """Returns the number of the epoch whose weights the model has after `on_train_end`.

    Args:
        callbacks: Keras callbacks; the last one that restores weights decides.
        epochs: The number of finished epochs.
    """
    restoring = [item for item in _find_early_stopping(callbacks) if _restores(item)]
    return restoring[-1].best_epoch + 1 if restoring else epochs


def find_best(callbacks: Sequence[Any]) -> Best | None:
    """Returns the best epoch that an `EarlyStopping` found.

    If there are several, one that restores its weights decides, then one that ended the training.
    """
    found = [item for item in _find_early_stopping(callbacks) if item.best is not None]
    if not found:
        return None
    restoring = [item for item in found if _restores(item)][-1:]
    stopping = [item for item in found if item.stopped_epoch > 0]
    (chosen, *_) = [*restoring, *stopping, *found]
    return Best(epoch=chosen.best_epoch + 1, monitor=chosen.monitor, value=float(chosen.best))


def find_stop(callbacks: Sequence[Any], epochs: int, *, is_finite: bool) -> Stop:
    """Returns why callbacks ended a training.

    Args:
        callbacks: Keras callbacks, one of which ended the training.
        epochs: The number of finished epochs.
        is_finite: Whether the loss of the last epoch is finite.
    """
    early = (item for item in _find_early_stopping(callbacks) if item.stopped_epoch + 1 == epochs)
    stopping = next(early, None)
    if stopping is None or (ends_on_nan(callbacks) and not is_finite):
        return Stop(epoch=epochs, reason="terminate_on_nan")
    return Stop(epoch=epochs, reason="early_stopping", monitor=stopping.monitor)


def _find_early_stopping(callbacks: Sequence[Any]) -> list[Any]:
    return [item for item in callbacks if isinstance(item, keras.callbacks.EarlyStopping)]


def _restores(early_stopping: Any) -> bool:
    return early_stopping.restore_best_weights and early_stopping.best_weights is not None


def ends_on_nan(callbacks: Sequence[Any]) -> bool:
    """Returns whether training ends right after a step whose loss is NaN or infinite."""
    return any(isinstance(item, keras.callbacks.TerminateOnNaN) for item in callbacks)
