"""Saves and restores the state of Keras's callbacks, which Keras does not do itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]

STATE: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.TerminateOnNaN: (),
}
"""The attributes that each callback keeps from epoch to epoch, besides its best weights."""


def state_of(callbacks: Sequence[Any]) -> list[dict[str, Any]]:
    """Numbers by attribute, one mapping for each callback."""
    return [{name: getattr(item, name) for name in STATE[type(item)]} for item in callbacks]


def weights_of(callbacks: Sequence[Any]) -> Arrays:
    """The best weights that callbacks keep, under the names `callback/{callback}/{weight}`."""
    return {
        f"callback/{i}/{j}": array
        for i, item in enumerate(callbacks)
        for j, array in enumerate(getattr(item, "best_weights", None) or ())
    }


def restore(
    callbacks: Sequence[Any], state: Sequence[Mapping[str, Any]], weights: Mapping[str, Any]
) -> None:
    """Restores both. Call it after `on_train_begin`, in which callbacks reset themselves."""
    for i, (item, values) in enumerate(zip(callbacks, state, strict=True)):
        for name, value in values.items():
            setattr(item, name, value)
        best = [name for name in weights if name.startswith(f"callback/{i}/")]
        if best:
            item.best_weights = [weights[f"callback/{i}/{j}"] for j in range(len(best))]


def stops_on_nan(callbacks: Sequence[Any]) -> bool:
    """Whether training ends right after the step that makes the loss NaN or infinite."""
    return any(isinstance(item, keras.callbacks.TerminateOnNaN) for item in callbacks)
