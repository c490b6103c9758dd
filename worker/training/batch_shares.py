"""A batch's rows, shared out among replicas."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import tensorflow as tf


@dataclass(frozen=True)
class Share:
    """The rows of one replica."""

    inputs: tuple[Any, ...]
    """At least one row: a layer that sees none may divide by their number."""
    rows: Any
    """How many count: none of them where there are fewer rows than replicas."""
    fraction: Any
    """Of the batch."""


def shares_of(inputs: Sequence[Any], replicas: int) -> list[Share]:
    """Consecutive rows for each replica, sizes apart by one at most; called in a trace.

    Args:
        inputs: Equally many rows of each.
        replicas: How many share.
    """
    known = inputs[0].shape[0]
    rows = tf.shape(inputs[0])[0] if known is None else known
    bounds = [rows * i // replicas for i in range(replicas + 1)]
    return [_share(inputs, start, stop, rows) for start, stop in pairwise(bounds)]


def _share(inputs: Sequence[Any], start: Any, stop: Any, rows: Any) -> Share:
    end = max(stop, start + 1) if isinstance(stop, int) else tf.maximum(stop, start + 1)
    fraction = tf.cast(stop - start, tf.float32) / tf.cast(rows, tf.float32)
    return Share(tuple(tensor[start:end] for tensor in inputs), stop - start, fraction)
