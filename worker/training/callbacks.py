"""Keras's own callbacks, and their state, which Keras forgets between processes."""

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
"""What each callback remembers from one epoch to the next; best weights come on top."""


def state_of(callbacks: Sequence[Any]) -> list[dict[str, Any]]:
    """Numbers by attribute, one mapping for each callback."""
    return [{name: getattr(item, name) for name in STATE[type(item)]} for item in callbacks]


def weights_of(callbacks: Sequence[Any]) -> Arrays:
    """The best weights that callbacks keep, by callback and position."""
    return {
        f"callback/{i}/{j}": array
        for i, item in enumerate(callbacks)
        for j, array in enumerate(getattr(item, "best_weights", None) or ())
    }


def put_back(
    callbacks: Sequence[Any], state: Sequence[Mapping[str, Any]], weights: Mapping[str, Any]
) -> None:
    """Restore both; comes after `on_train_begin`, in which callbacks reset themselves."""
    for i, (item, values) in enumerate(zip(callbacks, state, strict=True)):
        for name, value in values.items():
            setattr(item, name, value)
        kept = [name for name in weights if name.startswith(f"callback/{i}/")]
        if kept:
            item.best_weights = [weights[f"callback/{i}/{j}"] for j in range(len(kept))]


def stops_on_nan(callbacks: Sequence[Any]) -> bool:
    """Whether training ends right after the step that made the loss not finite."""
    return any(isinstance(item, keras.callbacks.TerminateOnNaN) for item in callbacks)
