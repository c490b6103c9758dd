"""Evaluates a model over all rows of a dataset, as Keras's `evaluate` does."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file, save_file

from compiler.keras_private import build_training
from compiler.model.build import BuiltModel
from compiler.training.compile import keras_compile, name_parts
from domain.metric_values import MetricValue
from domain.model import ModelFile
from worker.protocol.messages import Checkpointed, Started, Stepped
from worker.protocol.tasks import EvaluateTask
from worker.training.errors import refused_by_keras
from worker.training.hardware.environment import describe_environment
from worker.training.inference.observation import Array, Observer, Step, observe
from worker.training.inference.random_states import RandomStates
from worker.training.loss_values import find_loss_positions
from worker.training.output_folder import OutputFolder
from worker.training.rows.feed import Feed
from worker.training.rows.prepared import PreparedData
from worker.training.steps import Logs, Pace
from worker.training.supervisor_link import SupervisorLink

MEDIA_TYPE = "application/vnd.safetensors"
SECONDS_BETWEEN_REPORTS = 0.25
OBSERVER = "observer/"
"""Prefix of the arrays of the observer."""


class Evaluation:
    """One attempt at evaluating a built model."""

    def __init__(
        self,
        task: EvaluateTask,
        data: PreparedData,
        built: BuiltModel,
        folder: OutputFolder,
        link: SupervisorLink,
        observer: Observer | None = None,
    ) -> None:
        """Compiles the model; evaluates nothing yet.

        Args:
            task: The task.
            data: The data of the task.
            built: The model.
            folder: The attempt's folder.
            link: The link to the supervisor.
            observer: Sees the predictions of each batch.

        Raises:
            CannotTrain: Keras refuses the recipe for these data.
        """
        self._task, self._folder, self._link = task, folder, link
        self._model, self._observer = built.model, observer
        self._random = RandomStates(built.model)
        keras_compile(self._model, task.recipe)
        positions = find_loss_positions(task.recipe, built, data.describe_targets())
        self._feed = data.make_feed(data.training, positions)
        step = observe(self._model, self._model.test_step, observer)
        self._steps = _InOrder(self._model, step, self._feed, task.batch_size)
        self._build_metrics()
        self._began = self._reported = time.monotonic()
        self._saved = 0

    def _build_metrics(self) -> None:
        """Builds metrics from shapes, so that a stored state can restore them."""
        even = self._feed.rows % self._task.batch_size == 0
        batch = self._feed.make_symbolic_batch(self._task.batch_size if even else None)
        with refused_by_keras(ValueError, graph_place=self._task.graph_place):
            build_training(self._model, batch, name_parts(self._task.recipe))

    @property
    def _variables(self) -> dict[str, Any]:
        metrics = [item for metric in self._model.metrics for item in metric.variables]
        return {f"metric/{i}": item for i, item in enumerate(metrics)}

    def run(self) -> Mapping[str, MetricValue]:
        """Returns the metrics of all rows, by Keras's names."""
        start = self._restore(self._task.checkpoint)
        where = describe_environment(self._task.deterministic)
        self._link.send(Started(where, 0, start, self._steps.count))
        return self._steps.run(self._on_progress, start)

    def _restore(self, path: Path | None) -> int:
        """Restores a stored state; returns the number of batches that it has."""
        self._model.reset_metrics()
        if path is None:
            return 0
        arrays, variables = load_file(path), self._variables
        if any(name not in arrays for name in variables):  # another version wrote it
            return 0
        for name, variable in variables.items():
            variable.assign(arrays[name])
        self._random.set(arrays)
        if self._observer is not None:
            self._observer.set_state(
                {k.removeprefix(OBSERVER): v for k, v in arrays.items() if k.startswith(OBSERVER)}
            )
        self._saved = int(json.loads(arrays["state"].tobytes())["step"])
        return self._saved

    def _on_progress(self, step: int, logs: Logs) -> None:
        now = time.monotonic()
        if now - self._reported >= SECONDS_BETWEEN_REPORTS:
            self._reported = now
            self._link.send(Stepped(0, step, self._steps.count, logs))
        requested = self._link.take_save_request()
        is_due = now - self._began >= self._task.checkpoint_seconds and step < self._steps.count
        if requested or is_due:
            self._began = now
            file = self._save(step) if step > self._saved else None
            self._link.send(Checkpointed(0, step, self._steps.count, file))
            self._saved = step
        if requested:
            self._link.wait_for_end()

    def _save(self, step: int) -> ModelFile:
        name = f"checkpoint-0-{step}.safetensors"
        return self._folder.write(name, MEDIA_TYPE, lambda path: self._fill(path, step))

    def _fill(self, path: Path, step: int) -> None:
        state = np.frombuffer(json.dumps({"step": step}).encode(), np.uint8)
        arrays: dict[str, Array] = {
            name: np.asarray(variable.numpy()) for name, variable in self._variables.items()
        }
        seen = {} if self._observer is None else self._observer.get_state()
        observed = {f"{OBSERVER}{name}": array for name, array in seen.items()}
        save_file({"state": state, **arrays, **self._random.get(), **observed}, path)


class _InOrder:
    """Runs a step over all examples in their order, many batches in each execution of a graph."""

    def __init__(self, model: Any, step: Step, feed: Feed, batch_size: int) -> None:
        self.count = -(-feed.rows // batch_size)
        self._feed, self._batch_size, self._pace = feed, batch_size, Pace()
        even = feed.rows % batch_size == 0

        def execute(start: Any, stop: Any) -> Any:
            def body(at: Any) -> Any:
                first = at * batch_size
                indices = tf.range(first, tf.minimum(first + batch_size, feed.rows))
                if even:  # Keras weights the losses of single outputs by a static batch size
                    indices.set_shape([batch_size])
                step(feed.gather_batch(indices))
                return (at + 1,)

            tf.while_loop(lambda at: at < stop, body, [start], parallel_iterations=1)
            return model.get_metrics_result()

        self._execute = tf.function(execute, autograph=False, reduce_retracing=True)

    def run(self, progress: Any, start: int) -> Logs:
        """Runs the batches from `start` on; calls `progress` after each execution."""
        self._feed.follow_rows(self._batch_size, start)
        done = start
        while True:  # runs even if no batch is left: the same graph gives the metrics
            stop = min(done + self._pace.steps, self.count)
            began = time.perf_counter()
            metrics = self._execute(tf.constant(done, tf.int64), tf.constant(stop, tf.int64))
            logs: Logs = {
                name: np.asarray(value, np.float64).tolist() for name, value in metrics.items()
            }
            self._pace.measure(stop - done, time.perf_counter() - began)
            done = stop
            progress(done, logs)
            if done == self.count:
                return logs
