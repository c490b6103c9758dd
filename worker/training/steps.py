"""The training loop: Keras's own `train_step`, many steps an execution, in an order of our own."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from worker.training.feed import Feed

EXECUTION_SECONDS = 0.4
"""Short enough to show progress and to cancel, long enough that Python costs nothing."""

Rows = np.ndarray[Any, np.dtype[np.int64]]
"""Row indices."""
Logs = dict[str, float]
Progress = Callable[[int, Logs], None]
"""Told the finished steps and the metrics so far, after each execution."""


class Pace:
    """How many steps an execution takes so that it lasts about `EXECUTION_SECONDS`."""

    def __init__(self) -> None:
        self.steps = 1
        self._warm = False

    def took(self, steps: int, seconds: float) -> None:
        """Learn from an execution; the first one also pays for TensorFlow's setting up."""
        if not self._warm:
            self._warm = True
            return
        ideal = int(steps * EXECUTION_SECONDS / max(seconds, 1e-6))
        self.steps = max(1, min(ideal, 16 * steps))


class Steps:
    """A pass over rows in a given order, with one of Keras's steps."""

    def __init__(
        self,
        model: Any,
        step: Callable[[Any], Any],
        feed: Feed,
        batch_size: int,
        *,
        while_finite: bool = False,
    ) -> None:
        """Nothing is traced yet.

        Args:
            model: Compiled, its metrics built.
            step: `model.train_step` or `model.test_step`.
            feed: Where the rows come from.
            batch_size: Rows a step; the last step takes what is left.
            while_finite: Stop right after the step that makes the loss NaN or infinite.
        """
        self.rows = feed.rows
        self.count = -(-feed.rows // batch_size)
        self._model = model
        self._pace = Pace()
        self._execute = _executor(model, step, feed, batch_size, while_finite)

    def run(self, order: Rows, progress: Progress, start: int = 0) -> Logs:
        """One epoch, or one validation.

        Args:
            order: The rows, in the order in which they are taken.
            progress: A pass that ends at a loss that is not finite is told of as finished.
            start: Steps that are done already, whose metrics the model's variables hold.

        Returns:
            Keras's metrics by name.
        """
        if start == 0:
            self._model.reset_metrics()
        rows, done = tf.constant(order), start
        while True:  # also where no step is left: the metrics are told by the same graph
            done, logs = self._execution(rows, done)
            progress(done, logs)
            if done == self.count:
                return logs

    def _execution(self, rows: Any, start: int) -> tuple[int, Logs]:
        stop = min(start + self._pace.steps, self.count)
        began = time.perf_counter()
        done, finite, metrics = self._execute(rows, tf.constant(start), tf.constant(stop))
        logs = {name: float(value) for name, value in metrics.items()}
        self._pace.took(stop - start, time.perf_counter() - began)
        return int(done) if finite else self.count, logs


def _executor(
    model: Any, step: Callable[[Any], Any], feed: Feed, batch_size: int, while_finite: bool
) -> Callable[..., Any]:
    """A graph that runs steps `start` to `stop`: traced once, for every count of steps."""
    even = feed.rows % batch_size == 0
    compiled = tf.function(step, jit_compile=True) if model.jit_compile else step

    def execute(order: Any, start: Any, stop: Any) -> tuple[Any, Any, Any]:
        def body(at: Any, _: Any) -> tuple[Any, Any]:
            indices = order[at * batch_size : (at + 1) * batch_size]
            if even:  # Keras weighs the losses of single outputs by a batch size known beforehand
                indices.set_shape([batch_size])
            loss = compiled(feed.batch(indices))["loss"]
            return at + 1, tf.math.is_finite(loss) if while_finite else tf.constant(True)

        def more(at: Any, finite: Any) -> Any:
            return (at < stop) & finite

        done, finite = tf.while_loop(more, body, [start, tf.constant(True)])
        return done, finite, model.get_metrics_result()

    return tf.function(execute, autograph=False, reduce_retracing=True)


def order_of(seed: int, epoch: int, rows: int, *, shuffle: bool) -> Rows:
    """The rows of an epoch (counted from 0) in the order that its number alone decides."""
    if not shuffle:
        return np.arange(rows)
    return np.random.default_rng([seed, epoch]).permutation(rows)
