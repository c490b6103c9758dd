"""Orders examples so that each batch has examples of like length."""

from typing import Any

import numpy as np

Order = np.ndarray[Any, np.dtype[np.int64]]
POOL_BATCHES = 100
"""Examples of so many batches are sorted by length together."""
_STREAM = 1
"""Tells the random numbers of batches from those of rows, for equal seeds and epochs."""


def order_by_length(
    order: Order, lengths: Order, batch_size: int, seed: int, epoch: int, *, shuffle: bool
) -> Order:
    """Returns the examples of an epoch in batches of like length; seed and epoch decide the order.

    Args:
        order: The examples in the order of the epoch.
        lengths: The length of each example, by index.
        batch_size: The number of examples of a batch; a smaller batch stays the last.
        seed: The seed of the job.
        epoch: The epoch, from 0.
        shuffle: Whether the batches are shuffled.
    """
    pool = batch_size * POOL_BATCHES
    parts = [order[start : start + pool] for start in range(0, len(order), pool)]
    joined = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts])
    if not shuffle:
        return joined
    whole = len(joined) // batch_size * batch_size
    batches = joined[:whole].reshape(-1, batch_size)
    places = np.random.default_rng([seed, epoch, _STREAM]).permutation(len(batches))
    return np.concatenate([batches[places].reshape(-1), joined[whole:]])
