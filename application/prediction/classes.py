"""Names the classes that a model predicts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from application.prediction.arrays import Arrays
from domain.model import Preparation

THRESHOLD = 0.5
"""The least number of the second class, unless the model has another."""


def name_classes(outputs: Arrays, preparation: Preparation) -> dict[str, list[Any]]:
    """Returns the class of each row, for the outputs whose targets had classes.

    With one unit, it is the second class from a threshold on; otherwise, that of the largest
    number, and of several the first. It is None if the unit of that number has no class, or if a
    number is NaN.

    Args:
        outputs: Arrays by output name, each of shape (rows, ..., units).
        preparation: Has the classes of the model.
    """
    found: dict[str, list[Any]] = {}
    for name, classes in preparation.classes.items():
        array = outputs[name] if outputs[name].ndim > 1 else outputs[name][:, np.newaxis]
        if array.shape[-1] > 1:
            indices = np.argmax(array, axis=-1)
        else:
            threshold = preparation.thresholds.get(name, THRESHOLD)
            indices = (array[..., 0] >= threshold).astype(np.int64)
        indices[np.isnan(array).any(axis=-1)] = len(classes)
        found[name] = _look_up(indices.tolist(), classes)
    return found


def _look_up(indices: Any, classes: Sequence[Any]) -> Any:
    if isinstance(indices, list):
        return [_look_up(index, classes) for index in indices]
    return classes[indices] if indices < len(classes) else None
