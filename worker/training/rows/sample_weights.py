"""Computes sample weights: the weights of rows in a loss, from a column and from class weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from domain.job.recipe import ClassWeights, Component, OutputRecipe

Array = np.ndarray[Any, Any]
Shape = Sequence[int | None]
BY_SUM_OF_WEIGHTS = "mean_with_sample_weight"
"""The reduction that divides a loss by the sum of its weights."""


def compute_sample_weights(
    output: OutputRecipe,
    arrays: Mapping[str, Array],
    positions: Shape,
    *,
    apply_class_weights: bool,
) -> Array | None:
    """Multiplies the sample weights of an output by the weights of its classes.

    Args:
        output: Names the columns of the target and of the sample weights, and has class weights.
        arrays: The columns by name, each of shape (rows, ...).
        positions: The shape of the loss's values, with the batch axis.
        apply_class_weights: Whether class weights apply; as in Keras, they do not in validation.

    Returns:
        The weights, with as many axes as the loss's values and a length of 1 for each axis that
        they do not tell apart; None if the output has no weights or no loss.
    """
    if not output.is_weighable:
        return None
    given = None if output.sample_weight is None else arrays[output.sample_weight]
    weights = None if given is None else _align(given, len(positions))
    if apply_class_weights and output.class_weight and output.target:
        by_class = compute_class_weights(arrays[output.target], output.class_weight, len(positions))
        weights = by_class if weights is None else by_class * weights.astype(np.float32)
    if weights is None or not _is_divided_by_weights(output):
        return weights
    return _repeat(weights, arrays[output.target] if output.target else weights, positions)


def _align(weights: Array, axes: int) -> Array:
    """Returns a view whose first axes are those of the weights, and that has so many axes.

    Keras multiplies by broadcasting from the last axis, so that one weight for each row would
    become one for each step or pixel.
    """
    missing = (1,) * (axes - weights.ndim)
    return weights.reshape((*weights.shape[:axes], *missing))


def _is_divided_by_weights(output: OutputRecipe) -> bool:
    configs = [loss.config for loss in output.losses if isinstance(loss, Component)]
    return any(config.get("reduction") == BY_SUM_OF_WEIGHTS for config in configs)


def _repeat(weights: Array, target: Array, positions: Shape) -> Array:
    """Returns a view with a weight for each position, so that their sum counts each position."""
    lengths = (*target.shape, *([1] * len(positions)))
    shape = [
        have if have != 1 else (length if want is None else want)
        for have, want, length in zip(weights.shape, positions, lengths, strict=False)
    ]
    return np.broadcast_to(weights, shape)


def compute_class_weights(
    target: Array, weights: ClassWeights, axes: int
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Returns the weight of each position's class.

    For one class in each row, it is the weight that Keras computes for `class_weight`.

    Args:
        target: Class indices with so many axes, or with a further one of length 1; or one-hot, with
            a last axis of classes.
        weights: Weights by class index; all other classes have weight 1.
        axes: The number of axes of the loss's values, e.g. 1 for one value in each row.

    Returns:
        The weights, with so many axes.
    """
    if target.ndim <= axes:
        classes = np.round(target).astype(np.int32)
    elif target.shape[-1] == 1:
        classes = np.round(target[..., 0]).astype(np.int32)
    else:
        classes = np.argmax(target, axis=-1)
    result = np.ones(classes.shape, np.float32)
    for index, weight in weights.items():
        result[classes == int(index)] = weight
    return result
