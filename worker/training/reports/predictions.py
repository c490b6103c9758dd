"""Predicts the rows of a feed batch by batch, with their targets, weights and masks."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from compiler.keras_private import get_mask
from worker.training.reports.maker import Arrays
from worker.training.rows.feed import Feed


class PredictedBatch(NamedTuple):
    """The rows of a batch by output; see `ReportMaker.update`."""

    targets: Arrays
    predictions: Arrays
    weights: Arrays
    masks: Arrays


def predict_batches(
    model: Any, feed: Feed, outputs: Sequence[str], batch_size: int
) -> Iterator[PredictedBatch]:
    """Yields all rows of a feed in order.

    All batches are computed by one graph of a fixed number of rows, so that no row is computed in
    another way than the others; the last batch repeats its last row.

    Args:
        model: The model; its outputs are a dictionary.
        feed: The rows.
        outputs: The outputs that are needed.
        batch_size: The rows of a batch.
    """
    rows = feed.rows
    batch_size = min(batch_size, rows)
    count = -(-rows // batch_size)
    order = np.minimum(np.arange(count * batch_size), rows - 1)
    feed.follow(order, batch_size, 0)
    predict = _make_function(model, feed, outputs, batch_size)
    for start in range(0, rows, batch_size):
        found = predict(tf.constant(order[start : start + batch_size]))
        kept = min(batch_size, rows - start)
        yield PredictedBatch(*(_to_arrays(tensors, kept) for tensors in found))


def _make_function(model: Any, feed: Feed, outputs: Sequence[str], batch_size: int) -> Any:
    def predict(indices: Any) -> tuple[dict[str, Any], ...]:
        x, y, weights = feed.gather_batch(indices)
        predicted = model(x, training=False)
        masks = {name: get_mask(predicted[name]) for name in outputs}
        return (
            {name: y[name] for name in outputs},
            {name: predicted[name] for name in outputs},
            {name: weight for name in outputs if (weight := (weights or {}).get(name)) is not None},
            {name: mask for name, mask in masks.items() if mask is not None},
        )

    signature = [tf.TensorSpec([batch_size], tf.int64)]
    return tf.function(predict, input_signature=signature, autograph=False)


def _to_arrays(tensors: dict[str, Any], rows: int) -> Arrays:
    return {name: tensor.numpy()[:rows] for name, tensor in tensors.items()}
