"""Computes sample weights: the weights of rows in a loss, from a column and from class weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from domain.job.recipe import ClassWeights, OutputRecipe


def compute_sample_weights(
    output: OutputRecipe,
    arrays: Mapping[str, np.ndarray[Any, Any]],
    *,
    apply_class_weights: bool,
) -> np.ndarray[Any, Any] | None:
    """Multiplies the sample weights of an output by the weights of its classes.

    Args:
        output: Names the columns of the target and of the sample weights, and has class weights.
        arrays: The columns by name, each of shape (rows, ...).
        apply_class_weights: Whether class weights apply; as in Keras, they do not in validation.

    Returns:
        The weights, of shape (rows, ...), or None if the output has no weights.
    """
    given = None if output.sample_weight is None else arrays[output.sample_weight]
    if not (apply_class_weights and output.class_weight and output.target):
        return given
    by_class = compute_class_weights(arrays[output.target], output.class_weight)
    if given is None:
        return by_class
    aligned = by_class.reshape(by_class.shape + (1,) * (given.ndim - by_class.ndim))
    return np.asarray(aligned * given.astype(np.float32))


def compute_class_weights(
    target: np.ndarray[Any, Any], weights: ClassWeights
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Returns the weight of each row's class, as Keras computes it for `class_weight`.

    Args:
        target: Class indices of shape (rows,) or (rows, 1), or one-hot (rows, classes).
        weights: Weights by class index; all other classes have weight 1.

    Returns:
        The weights, of shape (rows,).
    """
    if target.ndim > 1 and target.shape[-1] != 1:
        classes = np.argmax(target, axis=-1)
    else:
        classes = np.round(target[..., 0] if target.ndim > 1 else target).astype(np.int32)
    result = np.ones(classes.shape, np.float32)
    for index, weight in weights.items():
        result[classes == int(index)] = weight
    return result
