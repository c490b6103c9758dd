"""Runs the epochs of a `train` job as Keras's `fit` does, with checkpoints in between."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from compiler.keras_private import build_training
from compiler.model.build import BuiltModel
from compiler.training.compile import keras_compile
from compiler.training.components import make_callback
from domain.job.job import Epoch
from domain.job.recipe import Fit
from domain.job.split import count_training_rows
from worker.protocol.messages import Checkpointed, EpochEnded, Started, Stepped
from worker.protocol.tasks import TrainTask
from worker.training.callbacks import ends_on_nan
from worker.training.checkpoint import Checkpoint, Checkpoints
from worker.training.errors import CannotTrain, refused_by_keras
from worker.training.feed import Feed, open_feed
from worker.training.hardware.environment import describe_environment
from worker.training.output_folder import OutputFolder
from worker.training.replicas import Replicas
from worker.training.steps import Logs, Steps, make_row_order
from worker.training.supervisor_link import SupervisorLink
from worker.training.variables import Tensors, Variables

SECONDS_BETWEEN_REPORTS = 0.25


class Training:
    """One attempt at training a built model."""

    def __init__(
        self,
        task: TrainTask,
        built: BuiltModel,
        folder: OutputFolder,
        link: SupervisorLink,
        strategy: Any = None,
    ) -> None:
        """Compiles the model and opens the data; trains nothing yet.

        Args:
            task: The task.
            built: The model, built in the strategy's scope if there is one.
            folder: The attempt's folder.
            link: The link to the supervisor.
            strategy: The `tf.distribute.Strategy` of several devices.

        Raises:
            CannotTrain: Keras refuses the recipe for these data.
        """
        self._task, self._link = task, link
        self._fit, self._model = task.fit, built.model
        scope = None if strategy is None else strategy.scope()
        keras_compile(self._model, task.recipe, scope)
        callbacks = _make_callbacks(task.fit)
        self._callbacks = keras.callbacks.CallbackList(
            callbacks, add_history=True, model=self._model
        )
        feed, validation = _open_feeds(task)
        steps = self._model if strategy is None else Replicas(self._model, strategy)
        self._steps = self._make_steps(feed, steps.train_step, ends_on_nan(callbacks))
        self._validation = self._make_steps(validation, steps.test_step) if validation else None
        _build_variables(self._model, feed, task.fit.batch_size, strategy)
        variables = Variables(built.variables, self._model)
        self._checkpoints = Checkpoints(folder, variables, callbacks, task.checkpoint_seconds)
        self._history: list[Epoch] = []
        self._began = self._reported = 0.0

    def _make_steps(
        self, feed: Feed, step: Callable[[Any], Any], while_finite: bool = False
    ) -> Steps:
        return Steps(self._model, step, feed, self._fit.batch_size, while_finite=while_finite)

    def run(self) -> list[Epoch]:
        """Trains the remaining epochs, counted from the beginning of the job.

        Returns:
            All epochs, including those of earlier attempts.
        """
        model = self._model
        model.stop_training = False
        self._callbacks.on_train_begin()
        start = self._resume(self._task.checkpoint)
        where, done = describe_environment(self._task.deterministic), len(start.history)
        self._link.send(Started(where, done, start.step, self._steps.count))
        if start.step:
            self._run_epoch(start.step, start.seconds)
        while len(self._history) < self._fit.epochs and not model.stop_training:
            self._run_epoch()
        model.optimizer.finalize_variable_values(model.trainable_variables)
        self._callbacks.on_train_end(self._history[-1].metrics)
        return self._history

    def _resume(self, path: Path | None) -> Checkpoint:
        """Restores a checkpoint; without one that fits this model, starts at the beginning."""
        restored = None if path is None else self._checkpoints.restore(path)
        start = restored or Checkpoint([], stopped=False)
        self._history = start.history
        self._model.stop_training = start.stopped
        return start

    def _run_epoch(self, start: int = 0, seconds: float = 0.0) -> None:
        """Runs one epoch, or the rest of it.

        Args:
            start: Finished steps of the epoch.
            seconds: Time that these steps took.
        """
        self._began = time.monotonic() - seconds
        epoch = len(self._history)
        self._callbacks.on_epoch_begin(epoch)
        rows, shuffle = self._steps.rows, self._fit.shuffle
        order = make_row_order(self._task.seed, epoch, rows, shuffle=shuffle)
        logs = self._steps.run(order, self._on_progress, start)
        if self._validation is not None:
            logs |= self._validate(self._validation, logs)
        with refused_by_keras(ValueError):  # a metric whose better direction is unknown
            self._callbacks.on_epoch_end(epoch, logs)
        history = self._model.history.history  # callbacks add to it, e.g. the learning rate
        self._end_epoch({name: values[-1] for name, values in history.items()})

    def _end_epoch(self, metrics: Logs) -> None:
        seconds = time.monotonic() - self._began
        epoch = len(self._history) + 1
        self._history.append(Epoch(epoch=epoch, seconds=seconds, metrics=metrics))
        checkpoint = Checkpoint(self._history, self._model.stop_training)
        requested = self._link.take_save_request()
        file = self._checkpoints.save(checkpoint, requested=requested)
        self._link.send(EpochEnded(epoch, seconds, metrics, file))
        if requested:
            self._link.wait_for_end()

    def _on_progress(self, step: int, logs: Logs) -> None:
        with refused_by_keras(RuntimeError):  # TerminateOnNaN(raise_error=True)
            self._callbacks.on_train_batch_end(step - 1, logs)
        self._report(step, logs)
        self._save_if_due(step)

    def _validate(self, validation: Steps, logs: Logs) -> Logs:
        """Runs the validation; checkpoints during it contain the variables from before it."""
        steps, tensors = self._steps.count, self._checkpoints.snapshot()

        def on_progress(*_: object) -> None:
            self._report(steps, logs)
            self._save_if_due(steps, tensors)

        found = validation.run(np.arange(validation.rows), on_progress)
        return {f"val_{name}": value for name, value in found.items()}

    def _report(self, step: int, logs: Logs) -> None:
        if time.monotonic() - self._reported >= SECONDS_BETWEEN_REPORTS:
            self._reported = time.monotonic()
            self._link.send(Stepped(len(self._history), step, self._steps.count, logs))

    def _save_if_due(self, step: int, tensors: Tensors | None = None) -> None:
        """Writes a checkpoint within the epoch if one is due or requested."""
        requested, seconds = self._link.take_save_request(), time.monotonic() - self._began
        checkpoint = Checkpoint(self._history, self._model.stop_training, step, seconds)
        file = self._checkpoints.save(checkpoint, requested=requested, tensors=tensors)
        if requested or file is not None:
            position = checkpoint.position
            self._link.send(Checkpointed(*position, self._steps.count, file))
        if requested:
            self._link.wait_for_end()


def _make_callbacks(fit: Fit) -> list[Any]:
    return [
        make_callback(spec, ("fit", "callbacks", str(i))) for i, spec in enumerate(fit.callbacks)
    ]


def _open_feeds(task: TrainTask) -> tuple[Feed, Feed | None]:
    """Returns the rows for training and for validation, split as Keras's `fit` splits them."""
    dtypes = {tensor.name: tensor.dtype for tensor in task.summary.inputs}
    feed = partial(open_feed, task.recipe, dtypes)
    if task.validation_columns is not None:
        return feed(task.columns), feed(task.validation_columns, training=False)
    if not task.fit.validation_split:
        return feed(task.columns), None
    rows = len(np.load(next(iter(task.columns.values())), mmap_mode="r"))
    split = count_training_rows(rows, task.fit.validation_split)
    if split in (0, rows):
        share = task.fit.validation_split
        raise CannotTrain(f"A validation_split of {share} leaves one side of {rows} rows empty.")
    training = feed(task.columns, slice(0, split))
    return training, feed(task.columns, slice(split, None), training=False)


def _build_variables(model: Any, feed: Feed, batch_size: int, strategy: Any) -> None:
    """Builds metrics and optimizer from shapes, so that a checkpoint can restore both."""
    if strategy is not None:  # optimizer variables exist on each device, metrics only once
        with strategy.scope():
            model.optimizer.build(model.trainable_variables)
    even = feed.rows % batch_size == 0
    with refused_by_keras(ValueError):
        build_training(model, feed.make_symbolic_batch(batch_size if even else None))
