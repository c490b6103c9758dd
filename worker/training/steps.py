"""The training loop: runs Keras's own `train_step`, many steps in each execution of a graph."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from domain.metric_values import MetricValue
from worker.training.rows.feed import Feed

EXECUTION_SECONDS = 0.4
"""Target duration: short enough for progress and cancellation, long compared to Python's cost."""

Rows = np.ndarray[Any, np.dtype[np.int64]]
"""Row indices."""
Logs = dict[str, MetricValue]
Progress = Callable[[int, Logs], bool | None]
"""Called after each execution with the finished steps and the metrics so far; True ends the run."""


class Part(NamedTuple):
    """Consecutive batches of one pass over the rows."""

    order: Rows
    """The row indices of the whole pass, in the order in which they are used."""
    first: int
    """The first batch."""
    stop: int
    """The batch after the last one."""

    @property
    def steps(self) -> int:
        """The number of batches."""
        return self.stop - self.first


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
    """Runs one of Keras's steps over rows in a given order."""

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
        """The number of batches of a pass over all rows."""
        self._model = model
        self._feed, self._batch_size = feed, batch_size
        self._pace = Pace()
        self._execute = _make_execution(model, step, feed, batch_size, while_finite)

    def run(self, order: Rows, progress: Progress, start: int = 0) -> Logs:
        """Runs one pass over all rows; see `run_parts`."""
        return self.run_parts([Part(order, 0, self.count)], progress, start)

    def run_parts(self, parts: Sequence[Part], progress: Progress, start: int = 0) -> Logs:
        """Runs one epoch or one validation.

        Args:
            parts: The batches, in the order in which they are used.
            progress: Called after each execution. If the loss is NaN or infinite and the run stops,
                the steps count as finished.
            start: Finished steps, whose metrics are in the model's variables.

        Returns:
            Keras's metrics by name.
        """
        if start == 0:
            self._model.reset_metrics()
        count, before, logs = sum(part.steps for part in parts), 0, Logs()
        for part in parts:
            after = before + part.steps
            if start < after or after == count:  # even without a step, the graph gives the metrics
                span = range(max(start, before), after)
                is_over, logs = self._run_part(part, span, before, count, progress)
                if is_over:
                    break
            before = after
        return logs

    def _run_part(
        self, part: Part, span: range, before: int, count: int, progress: Progress
    ) -> tuple[bool, Logs]:
        """Runs steps of one part.

        Args:
            part: The part.
            span: The steps, counted from the beginning of the run.
            before: The number of steps of earlier parts.
            count: The number of steps of the run.
            progress: As for `run_parts`.

        Returns:
            Whether the run is over, and the metrics.
        """
        shift, done = part.first - before, span.start
        self._feed.follow(part.order, self._batch_size, done + shift)
        rows = tf.constant(part.order)
        while True:
            done, is_finite, logs = self._run_execution(rows, done + shift, span.stop + shift)
            done = done - shift if is_finite else count
            if progress(done, logs) or not is_finite:
                return True, logs
            if done == span.stop:
                return False, logs

    def _run_execution(self, rows: Any, start: int, last: int) -> tuple[int, bool, Logs]:
        """Runs some of the batches from `start` to `last`.

        Returns:
            The batch after the last one that was run, whether its loss is finite, and the metrics.
        """
        stop = min(start + self._pace.steps, last)
        began = time.perf_counter()
        done, finite, metrics = self._execute(rows, tf.constant(start), tf.constant(stop))
        logs = {name: _get_value(value) for name, value in metrics.items()}
        self._pace.measure(stop - start, time.perf_counter() - began)
        return int(done), bool(finite), logs


def _get_value(tensor: Any) -> MetricValue:
    """Returns the number of a scalar, or the list of numbers of a vector."""
    value: MetricValue = np.asarray(tensor, np.float64).tolist()
    return value


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


def make_parts(
    epoch: int, steps: int, batches: int, make_order: Callable[[int], Rows]
) -> list[Part]:
    """Returns the batches of an epoch; passes over the rows follow each other without a gap.

    Args:
        epoch: The epoch, counted from 0.
        steps: The number of steps of an epoch, at most `batches`.
        batches: The number of batches of a pass.
        make_order: Returns the order of a pass, counted from 0.
    """
    number, first = divmod(epoch * steps, batches)
    stop = min(first + steps, batches)
    parts = [Part(make_order(number), first, stop)]
    if rest := steps - parts[0].steps:
        parts.append(Part(make_order(number + 1), 0, rest))
    return parts


def make_row_order(seed: int, epoch: int, rows: int, *, shuffle: bool) -> Rows:
    """Returns the row indices of a pass (counted from 0), which the seed and the pass decide.

    Without `steps_per_epoch`, each epoch is one pass.
    """
    if not shuffle:
        return np.arange(rows)
    return np.random.default_rng([seed, epoch]).permutation(rows)
