"""The training loop: runs Keras's own `train_step`, many steps in each execution of a graph."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from worker.training.feed import Feed

EXECUTION_SECONDS = 0.4
"""Target duration: short enough for progress and cancellation, long compared to Python's cost."""

Rows = np.ndarray[Any, np.dtype[np.int64]]
"""Row indices."""
Logs = dict[str, float]
Progress = Callable[[int, Logs], None]
"""Called after each execution with the finished steps and the metrics so far."""


class Pace:
    """Chooses how many steps an execution runs, so that it lasts about `EXECUTION_SECONDS`."""

    def __init__(self) -> None:
        self.steps = 1
        self._is_traced = False

    def measure(self, steps: int, seconds: float) -> None:
        """Adapts to the duration of an execution; ignores the first one, which includes tracing."""
        if not self._is_traced:
            self._is_traced = True
            return
        ideal = int(steps * EXECUTION_SECONDS / max(seconds, 1e-6))
        self.steps = max(1, min(ideal, 16 * steps))


class Steps:
    """Runs one of Keras's steps over all rows in a given order."""

    def __init__(
        self,
        model: Any,
        step: Callable[[Any], Any],
        feed: Feed,
        batch_size: int,
        *,
        while_finite: bool = False,
    ) -> None:
        """Traces nothing yet.

        Args:
            model: A compiled model whose metrics are built.
            step: `model.train_step` or `model.test_step`.
            feed: The rows.
            batch_size: Rows of each step; the last step takes the remaining rows.
            while_finite: Whether to stop right after the step that makes the loss NaN or infinite.
        """
        self.rows = feed.rows
        self.count = -(-feed.rows // batch_size)
        self._model = model
        self._pace = Pace()
        self._execute = _make_execution(model, step, feed, batch_size, while_finite)

    def run(self, order: Rows, progress: Progress, start: int = 0) -> Logs:
        """Runs one epoch or one validation.

        Args:
            order: The row indices in the order in which they are used.
            progress: Called after each execution. If the loss is NaN or infinite and the run stops,
                the steps count as finished.
            start: Finished steps, whose metrics are in the model's variables.

        Returns:
            Keras's metrics by name.
        """
        if start == 0:
            self._model.reset_metrics()
        rows, done = tf.constant(order), start
        while True:  # runs even if no step is left: the same graph gives the metrics
            done, logs = self._run_execution(rows, done)
            progress(done, logs)
            if done == self.count:
                return logs

    def _run_execution(self, rows: Any, start: int) -> tuple[int, Logs]:
        stop = min(start + self._pace.steps, self.count)
        began = time.perf_counter()
        done, finite, metrics = self._execute(rows, tf.constant(start), tf.constant(stop))
        logs = {name: float(value) for name, value in metrics.items()}
        self._pace.measure(stop - start, time.perf_counter() - began)
        return int(done) if finite else self.count, logs


def _make_execution(
    model: Any, step: Callable[[Any], Any], feed: Feed, batch_size: int, while_finite: bool
) -> Callable[..., Any]:
    """Returns a graph that runs the steps from `start` to `stop`; it is traced once."""
    even = feed.rows % batch_size == 0
    compiled = tf.function(step, jit_compile=True) if model.jit_compile else step

    def execute(order: Any, start: Any, stop: Any) -> tuple[Any, Any, Any]:
        def body(at: Any, _: Any) -> tuple[Any, Any]:
            indices = order[at * batch_size : (at + 1) * batch_size]
            if even:  # Keras weights the losses of single outputs by a static batch size
                indices.set_shape([batch_size])
            loss = compiled(feed.gather_batch(indices))["loss"]
            return at + 1, tf.math.is_finite(loss) if while_finite else tf.constant(True)

        def more(at: Any, finite: Any) -> Any:
            return (at < stop) & finite

        done, finite = tf.while_loop(more, body, [start, tf.constant(True)])
        return done, finite, model.get_metrics_result()

    return tf.function(execute, autograph=False, reduce_retracing=True)


def make_row_order(seed: int, epoch: int, rows: int, *, shuffle: bool) -> Rows:
    """Returns the row indices of an epoch (counted from 0); seed and epoch decide the order."""
    if not shuffle:
        return np.arange(rows)
    return np.random.default_rng([seed, epoch]).permutation(rows)
