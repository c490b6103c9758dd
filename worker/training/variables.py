"""Everything a training changes: model, optimizer and metrics, under names of our own."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

Tensors = dict[str, Any]
"""TensorFlow's, by name."""


class Variables:
    """The variables of a model that is compiled and built."""

    def __init__(self, named: Mapping[str, Any], model: Any) -> None:
        """Takes the model's own by the names that `compiler.model.weights` gives them."""
        self._all = {f"model/{name}": item for name, item in named.items()}
        self._all |= {f"optimizer/{i}": item for i, item in enumerate(model.optimizer.variables)}
        metrics = [item for metric in model.metrics for item in metric.variables]
        self._all |= {f"metric/{i}": item for i, item in enumerate(metrics)}

    @property
    def bytes(self) -> int:
        """Of one checkpoint, about."""
        return sum(int(np.prod(item.shape)) * 4 for item in self._all.values())

    def held(self) -> Tensors:
        """Their present values, for good: only what changes afterwards takes memory twice."""
        return {name: tf.convert_to_tensor(item.value) for name, item in self._all.items()}

    def fit(self, arrays: Mapping[str, Any], *, within_epoch: bool) -> bool:
        """Whether these are values of these variables; the metrics' count within an epoch alone."""
        return all(
            arrays[name].shape == tuple(item.shape)
            if name in arrays
            else name.startswith("metric/") and not within_epoch
            for name, item in self._all.items()
        )

    def assign(self, arrays: Mapping[str, Any]) -> None:
        """Give each that is named its value back."""
        for name, item in self._all.items():
            if name in arrays:
                item.assign(arrays[name])
