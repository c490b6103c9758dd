"""Edge values for the inputs of one operation, in all combinations, and a strict comparison."""

from itertools import product
from typing import Any

import numpy as np

from compiler.inference.edge_values import list_edge_values, list_non_finite_values
from compiler.inference.forward import Array

ROWS = (1, 2, 7, 64)
MOST_COMBINATIONS = 400
MODERATE = 100.0
"""Beyond this, the result of a sum of different floats depends on its order."""
TOLERANCES = {"float16": 1e-2, "bfloat16": 2e-2, "float32": 1e-5, "float64": 1e-5}


def make_edge_batches(
    model: Any,
    *,
    with_non_finite: bool,
    largest: float = np.inf,
    most: int = MOST_COMBINATIONS,
    length: int = 5,
) -> list[list[Array]]:
    """Make a batch whose rows each repeat one value, and batches that mix moderate values.

    Args:
        model: A model of one layer or function.
        with_non_finite: Whether to give NaN and infinities.
        largest: The largest magnitude of the other floats.
        most: The largest number of rows of the first batch.
        length: The length of unknown axes.

    Returns:
        An array of shape (rows, ...) for each input, by batch.
    """
    random = np.random.default_rng(1)
    shapes = [[length if n is None else n for n in item.shape[1:]] for item in model.inputs]
    values = [_list_values(item.dtype, with_non_finite, largest) for item in model.inputs]
    combinations = list(product(*(range(len(choices)) for choices in values)))
    if len(combinations) > most:
        chosen = random.choice(len(combinations), most, replace=False)
        combinations = [combinations[i] for i in chosen]
    uniform = [
        np.stack([np.full(shape, values[i][row[i]], values[i].dtype) for row in combinations])
        for i, shape in enumerate(shapes)
    ]
    moderate = [_keep_moderate(choices) for choices in values]
    mixed = [
        [
            random.choice(choices, (rows, *shape))
            for choices, shape in zip(moderate, shapes, strict=True)
        ]
        for rows in ROWS
    ]
    return [uniform, *mixed]


def _list_values(dtype: str, with_non_finite: bool, largest: float) -> Array:
    values = list_edge_values(dtype)
    if "float" in dtype:
        values = values[np.abs(values.astype(np.float64)) <= largest]
    special = list_non_finite_values(dtype) if with_non_finite else values[:0]
    return np.concatenate([values, special]).astype(values.dtype)


def _keep_moderate(values: Array) -> Array:
    """Leave out large floats, but neither NaN nor infinities."""
    if values.dtype.kind not in "fV":
        return values
    wide = values.astype(np.float64)
    return values[~(np.isfinite(wide) & (np.abs(wide) > MODERATE))]


def find_differences(wanted: Array, found: Array, slack: float | Array = 0.0) -> Array:
    """Return the indices at which two arrays differ.

    A vector of the last axis that holds a NaN may be NaN as a whole: TensorFlow's softmax with
    oneDNN leaves zeros beside the NaN.

    Args:
        wanted: The right values.
        found: The values to compare.
        slack: The difference of floats that is allowed beyond the tolerance.
    """
    assert wanted.shape == found.shape, (wanted.shape, found.shape)
    assert wanted.dtype == found.dtype, (wanted.dtype, found.dtype)
    tolerance = TOLERANCES.get(wanted.dtype.name)
    if tolerance is None:
        return np.argwhere(wanted != found)
    one, other = wanted.astype(np.float64), found.astype(np.float64)
    with np.errstate(all="ignore"):
        near = np.abs(one - other) <= tolerance * (1 + np.abs(one)) + slack
    same = (one == other) | (np.isnan(one) & np.isnan(other)) | np.isinf(slack)
    if one.ndim > 1:
        same |= np.isnan(one).any(-1, keepdims=True) & np.isnan(other).all(-1, keepdims=True)
    return np.argwhere(~(same | (near & np.isfinite(one) & np.isfinite(other))))
