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


def ends_on_nan(callbacks: Sequence[Any]) -> bool:
    """Returns whether training ends right after a step whose loss is NaN or infinite."""
    return any(isinstance(item, keras.callbacks.TerminateOnNaN) for item in callbacks)
