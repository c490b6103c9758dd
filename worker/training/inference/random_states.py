"""The states of random numbers, which a layer that always runs as in training draws from."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compiler.keras_private import get_all_layers, get_seed_generators
from worker.training.rows.sources import Array

PREFIX = "random/"
"""Prefix of the names of the states."""


class RandomStates:
    """The states of the seed generators of a model, by name."""

    def __init__(self, model: Any) -> None:
        """Finds the seed generators of a model and of all layers inside it."""
        found = [item for layer in get_all_layers(model) for item in get_seed_generators(layer)]
        self._variables = {f"{PREFIX}{i}": item.state for i, item in enumerate(found)}

    def get(self) -> dict[str, Array]:
        """Returns the present states."""
        return {name: np.asarray(item.numpy()) for name, item in self._variables.items()}

    def set(self, arrays: Mapping[str, Array]) -> None:
        """Sets the states to those in a mapping, which may have other arrays."""
        for name, item in self._variables.items():
            if name in arrays:
                item.assign(arrays[name])
