"""A `train` job's epochs: as Keras's `fit` runs them, with checkpoints between."""

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from compiler.model.build import Built
from compiler.training.compile import keras_compile
from compiler.training.components import callback
from domain.job.job import Epoch
from domain.job.recipe import Recipe
from worker.protocol.messages import Checkpointed, EpochEnded, Started, Stepped
from worker.protocol.training_order import Order
from worker.training.callbacks import stops_on_nan
from worker.training.checkpoint import Checkpoint, Checkpoints
from worker.training.environment import environment
from worker.training.errors import CannotTrain, refused_by_keras
from worker.training.feed import Feed, feed_of
from worker.training.output_folder import Folder
from worker.training.replicas import Replicas
from worker.training.steps import Logs, Steps, order_of
from worker.training.supervisor_link import Lifeline
from worker.training.variables import Tensors, Variables

SECONDS_BETWEEN_REPORTS = 0.25


class Training:
    """One attempt at training a model that is built."""

    def __init__(
        self,
        order: Order,
        recipe: Recipe,
        built: Built,
        folder: Folder,
        lifeline: Lifeline,
        strategy: Any = None,
    ) -> None:
        """Compiles the model and opens the data; nothing is trained yet.

        Args:
            order: What to do.
            recipe: Of the order.
            built: Under the strategy's scope, if there is one.
            folder: Of the attempt.
            lifeline: To the supervisor.
            strategy: Of several devices that train together.

        Raises:
            CannotTrain: Keras refuses the recipe for these data.
        """
        self._order, self._lifeline = order, lifeline
        self._fit, self._model = order.fit, built.model
        scope = None if strategy is None else strategy.scope()
        keras_compile(self._model, recipe, scope)
        asked = enumerate(order.fit.callbacks)
        kept = [callback(spec, ("fit", "callbacks", str(i))) for i, spec in asked]
        self._callbacks = keras.callbacks.CallbackList(kept, add_history=True, model=self._model)
        feed, validation = _feeds(order, recipe)
        steps = self._model if strategy is None else Replicas(self._model, strategy)
        self._steps = self._pass(feed, steps.train_step, stops_on_nan(kept))
        self._validation = self._pass(validation, steps.test_step) if validation else None
        _prepare(self._model, feed, order.fit.batch_size, strategy)
        variables = Variables(built.variables, self._model)
        self._checkpoints = Checkpoints(folder, variables, kept, order.checkpoint_seconds)
        self._history: list[Epoch] = []
        self._began = self._reported = 0.0

    def _pass(self, feed: Feed, step: Callable[[Any], Any], while_finite: bool = False) -> Steps:
        return Steps(self._model, step, feed, self._fit.batch_size, while_finite=while_finite)

    def run(self) -> list[Epoch]:
        """Every epoch that is left, counted from the beginning of the job.

        Returns:
            All epochs, those of earlier attempts included.
        """
        model = self._model
        model.stop_training = False
        self._callbacks.on_train_begin()
        start = self._resumed(self._order.checkpoint)
        where, done = environment(self._order.deterministic), len(start.history)
        self._lifeline.send(Started(where, done, start.step, self._steps.count))
        if start.step:
            self._epoch(start.step, start.seconds)
        while len(self._history) < self._fit.epochs and not model.stop_training:
            self._epoch()
        model.optimizer.finalize_variable_values(model.trainable_variables)
        self._callbacks.on_train_end(self._history[-1].metrics)
        return self._history

    def _resumed(self, path: Path | None) -> Checkpoint:
        """Where to go on from; with a checkpoint that does not fit any more, the beginning."""
        restored = None if path is None else self._checkpoints.restore(path)
        start = restored or Checkpoint([], stopped=False)
        self._history = start.history
        self._model.stop_training = start.stopped
        return start

    def _epoch(self, start: int = 0, seconds: float = 0.0) -> None:
        """One epoch, or what is left of it after `start` steps that took `seconds`."""
        self._began = time.monotonic() - seconds
        epoch = len(self._history)
        self._callbacks.on_epoch_begin(epoch)
        rows, shuffle = self._steps.rows, self._fit.shuffle
        order = order_of(self._order.seed, epoch, rows, shuffle=shuffle)
        logs = self._steps.run(order, self._stepped, start)
        if self._validation is not None:
            logs |= self._validated(self._validation, logs)
        with refused_by_keras(ValueError):  # a metric that nobody knows the better side of
            self._callbacks.on_epoch_end(epoch, logs)
        history = self._model.history.history  # callbacks add to it, e.g. the learning rate
        self._ended({name: values[-1] for name, values in history.items()})

    def _ended(self, metrics: Logs) -> None:
        seconds = time.monotonic() - self._began
        epoch = len(self._history) + 1
        self._history.append(Epoch(epoch=epoch, seconds=seconds, metrics=metrics))
        checkpoint = Checkpoint(self._history, self._model.stop_training)
        asked = self._lifeline.is_save_asked()
        file = self._checkpoints.save(checkpoint, asked=asked)
        self._lifeline.send(EpochEnded(epoch, seconds, metrics, file))
        if asked:
            self._lifeline.rest()

    def _stepped(self, step: int, logs: Logs) -> None:
        with refused_by_keras(RuntimeError):  # TerminateOnNaN(raise_error=True)
            self._callbacks.on_train_batch_end(step - 1, logs)
        self._report(step, logs)
        self._keep(step)

    def _validated(self, validation: Steps, logs: Logs) -> Logs:
        steps, held = self._steps.count, self._checkpoints.held()

        def checked(*_: object) -> None:
            self._report(steps, logs)
            self._keep(steps, held)

        found = validation.run(np.arange(validation.rows), checked)
        return {f"val_{name}": value for name, value in found.items()}

    def _report(self, step: int, logs: Logs) -> None:
        if time.monotonic() - self._reported >= SECONDS_BETWEEN_REPORTS:
            self._reported = time.monotonic()
            self._lifeline.send(Stepped(len(self._history), step, self._steps.count, logs))

    def _keep(self, step: int, held: Tensors | None = None) -> None:
        """Writes a checkpoint within the epoch, if it is time or one is asked for."""
        asked, seconds = self._lifeline.is_save_asked(), time.monotonic() - self._began
        checkpoint = Checkpoint(self._history, self._model.stop_training, step, seconds)
        file = self._checkpoints.save(checkpoint, asked=asked, held=held)
        if asked or file is not None:
            place = checkpoint.place
            self._lifeline.send(Checkpointed(*place, self._steps.count, file))
        if asked:
            self._lifeline.rest()


def _feeds(order: Order, recipe: Recipe) -> tuple[Feed, Feed | None]:
    """The rows to train on and those to validate on, as Keras's `fit` splits them."""
    dtypes = {tensor.name: tensor.dtype for tensor in order.summary.inputs}
    whole = partial(feed_of, recipe, dtypes)
    if order.validation_columns is not None:
        return whole(order.columns), whole(order.validation_columns, training=False)
    if not order.fit.validation_split:
        return whole(order.columns), None
    rows = len(np.load(next(iter(order.columns.values())), mmap_mode="r"))
    split = math.floor(rows * (1.0 - order.fit.validation_split))
    if split in (0, rows):
        share = order.fit.validation_split
        raise CannotTrain(f"A validation_split of {share} leaves one side of {rows} rows empty.")
    training = whole(order.columns, slice(0, split))
    return training, whole(order.columns, slice(split, None), training=False)


def _prepare(model: Any, feed: Feed, batch_size: int, strategy: Any) -> None:
    """Build metrics and optimizer without a value, so that a checkpoint finds its variables."""
    if strategy is not None:  # each device keeps the optimizer's variables; metrics are one
        with strategy.scope():
            model.optimizer.build(model.trainable_variables)
    even = feed.rows % batch_size == 0
    with refused_by_keras(ValueError):
        model._symbolic_build(data_batch=feed.specimen(batch_size if even else None))
