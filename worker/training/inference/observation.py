"""Passes the predictions of an evaluation to observers, e.g. to a report."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from compiler.keras_private import get_mask

Array = np.ndarray[Any, Any]
Step = Callable[[Any], Any]


class Observer(Protocol):
    """What sees every batch of an evaluation, in the order of the rows."""

    def observe(self, output: str, target: Array, predicted: Array, weights: Array | None) -> None:
        """Takes one batch of one output that has a target.

        Args:
            output: The name of the output.
            target: The target, of shape (rows, ...).
            predicted: The output of the model, of shape (rows, ...).
            weights: The weights of rows, or of their steps; 0 for padding. None if all count once.
        """
        ...

    def get_state(self) -> Mapping[str, Array]:
        """Returns arrays by name, from which another observer goes on."""
        ...

    def set_state(self, arrays: Mapping[str, Array]) -> None:
        """Goes on from the arrays of `get_state`."""
        ...


def observe(model: Any, step: Step, observer: Observer | None) -> Step:
    """Returns a `test_step` that passes each batch to an observer, in the order of the batches.

    Args:
        model: A compiled model whose outputs are a dictionary.
        step: `model.test_step`.
        observer: Sees the batches; None: the step itself is returned.
    """
    if observer is None:
        return step
    compute = model.compute_metrics

    def compute_metrics(x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        for name, target in y.items():
            if target is not None:
                weights = None if sample_weight is None else sample_weight.get(name)
                _pass(observer, name, target, y_pred[name], weights)
        return compute(x, y, y_pred, sample_weight)

    def observed(data: Any) -> Any:
        model.compute_metrics = compute_metrics  # the graph is traced once
        try:
            return step(data)
        finally:
            del model.compute_metrics

    return observed


def _pass(observer: Observer, name: str, target: Any, predicted: Any, weights: Any) -> None:
    """Adds a call of the observer to the graph that is traced."""
    merged = _merge_mask(weights, get_mask(predicted))
    is_weighted = merged is not None

    def call(target: Array, predicted: Array, weights: Array) -> None:
        observer.observe(name, target, predicted, weights if is_weighted else None)

    given = merged if is_weighted else tf.zeros([0])
    tf.numpy_function(call, [target, predicted, given], [], stateful=True)


def _merge_mask(weights: Any, mask: Any) -> Any:
    """Returns weights that are 0 where a mask is false."""
    if mask is None:
        return weights
    kept = tf.cast(mask, tf.float32)
    if weights is None:
        return kept
    weights = tf.cast(weights, tf.float32)
    missing = [1] * max(0, kept.shape.rank - weights.shape.rank)
    return tf.reshape(weights, tf.concat([tf.shape(weights), missing], 0)) * kept
