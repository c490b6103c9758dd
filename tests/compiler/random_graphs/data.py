"""Random rows for a graph's inputs, and random values for its weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.compiler.random_graphs.layers.kinds import LENGTH, VOCABULARY

ROWS = 2


def arrays_for(inputs: Sequence[dict[str, Any]]) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    return [_array(item, rng) for item in inputs]


def _array(item: dict[str, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    shape = [ROWS, *(LENGTH if axis is None else axis for axis in item["shape"])]
    if item["dtype"].startswith("int"):
        return rng.integers(0, VOCABULARY, shape).astype(item["dtype"])
    return rng.normal(size=shape).astype(item["dtype"])


def randomize(*models: Sequence[Any]) -> None:
    """Set equal random values in the variables of several models, except for seed states."""
    rng = np.random.default_rng(1)
    for variables in zip(*models, strict=True):
        if variables[0].dtype.startswith("float"):
            value = rng.uniform(0.1, 1.0, variables[0].shape)
            for variable in variables:
                variable.assign(value)
