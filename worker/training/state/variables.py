"""All variables that a training changes (model, optimizer, metrics), by unique names."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

Tensors = dict[str, Any]
"""TensorFlow tensors by name."""


class Variables:
    """The variables of a compiled and built model."""

    def __init__(self, named: Mapping[str, Any], model: Any) -> None:
        """Names the variables.

        Args:
            named: The model's own variables by the names that `compiler.model.weights` uses.
            model: The Keras model.
        """
        self._all = {f"model/{name}": item for name, item in named.items()}
        self._all |= {f"optimizer/{i}": item for i, item in enumerate(model.optimizer.variables)}
        metrics = [item for metric in model.metrics for item in metric.variables]
        self._all |= {f"metric/{i}": item for i, item in enumerate(metrics)}

    @property
    def bytes(self) -> int:
        """The approximate size of one checkpoint."""
        return sum(int(np.prod(item.shape)) * 4 for item in self._all.values())

    def snapshot(self) -> Tensors:
        """Returns the present values, unaffected by later changes.

        Only variables that change afterwards take memory twice.
        """
        return {name: tf.convert_to_tensor(item.value) for name, item in self._all.items()}

    def accepts(self, arrays: Mapping[str, Any], *, within_epoch: bool) -> bool:
        """Returns whether `arrays` has a value of the right shape for each variable.

        Args:
            arrays: Values by name.
            within_epoch: Whether metrics need a value; after an epoch they are reset anyway.
        """
        return all(
            arrays[name].shape == tuple(item.shape)
            if name in arrays
            else name.startswith("metric/") and not within_epoch
            for name, item in self._all.items()
        )

    def assign(self, arrays: Mapping[str, Any]) -> None:
        """Assigns the values in `arrays` to the variables of the same names."""
        for name, item in self._all.items():
            if name in arrays:
                item.assign(arrays[name])
