"""Runs the epochs of a `train` job as Keras's `fit` does, with checkpoints in between."""

import time
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from compiler.keras_private import build_training
from compiler.model.build import BuiltModel
from compiler.training.compile import keras_compile, name_parts
from compiler.training.components import make_callback
from domain.job.job import Epoch, Stop
from domain.job.recipe import Fit
from domain.model import ModelFile
from worker.protocol.messages import Checkpointed, EpochEnded, Started, Stepped
from worker.protocol.tasks import TrainTask
from worker.training.errors import refused_by_keras
from worker.training.hardware.environment import describe_environment
from worker.training.loss_values import find_loss_positions
from worker.training.output_folder import OutputFolder
from worker.training.replicas import Replicas
from worker.training.rows.buckets import order_by_length
from worker.training.rows.feed import Feed
from worker.training.rows.prepared import PreparedData
from worker.training.state.callbacks import (
    begin,
    ends_on_nan,
    find_best,
    find_stop,
    get_kept_epoch,
    settle,
)
from worker.training.state.checkpoint import Checkpoint, Checkpoints, Ending, Snapshot
from worker.training.state.kept import KeptEpochs
from worker.training.state.optimizer import OptimizerState
from worker.training.state.variables import Variables
from worker.training.steps import Logs, Rows, Steps, make_parts, make_row_order
from worker.training.supervisor_link import SupervisorLink
from worker.training.trained import Trained

SECONDS_BETWEEN_REPORTS = 0.25
NO_EPOCHS = 0
"""What callbacks are told of `epochs`. `SwapEMAWeights` would replace the weights of the last one,
with which another job may go on; `settle` does it later."""


class Training:
    """One attempt at training a built model."""

    def __init__(
        self,
        task: TrainTask,
        data: PreparedData,
        built: BuiltModel,
        folder: OutputFolder,
        link: SupervisorLink,
        strategy: Any = None,
    ) -> None:
        """Compiles the model; trains nothing yet.

        Args:
            task: The task.
            data: The data of the task.
            built: The model, built in the strategy's scope if there is one.
            folder: The attempt's folder.
            link: The link to the supervisor.
            strategy: The `tf.distribute.Strategy` of several devices.

        Raises:
            CannotTrain: Keras refuses the recipe for these data.
        """
        self._task, self._link = task, link
        self._fit, self._model = task.fit, built.model
        self._data = data
        scope = None if strategy is None else strategy.scope()
        keras_compile(self._model, task.recipe, scope)
        callbacks = self._made_callbacks = _make_callbacks(task.fit)
        begin(callbacks, task.fit.initial_epoch)
        self._callbacks = keras.callbacks.CallbackList(
            callbacks, add_history=True, model=self._model, epochs=NO_EPOCHS
        )
        positions = find_loss_positions(task.recipe, built, self._data.describe_targets())
        feed = self._data.make_feed(self._data.training, positions)
        part = self._data.validation
        validation = None if part is None else self._data.make_feed(part, positions)
        self.validation = validation
        """The rows that validate, if there are some."""
        self._lengths = self._data.count_lengths() if task.recipe.bucket else None
        steps = self._model if strategy is None else Replicas(self._model, strategy)
        self._steps = Steps(
            self._model,
            steps.train_step,
            feed,
            self._fit.batch_size,
            while_finite=ends_on_nan(callbacks),
        )
        self._count = self._fit.steps_per_epoch or self._steps.count
        self._validation = None if validation is None else self._make_validation(validation, steps)
        _build_variables(self._model, feed, task, strategy)
        variables = self._variables = Variables(built.variables, self._model)
        self._folder, self._optimizer = folder, OptimizerState(self._model, built.variables)
        if task.optimizer_state is not None:
            self._optimizer.restore(task.optimizer_state, keeps_rate=task.keeps_rate)
        learned = built.blueprint if built.blueprint is not task.blueprint else None
        self._checkpoints = Checkpoints(
            folder, variables, callbacks, task.checkpoint_seconds, learned
        )
        self._kept = KeptEpochs(
            task.fit, built, task.blueprint, folder, self._data.describe_missing
        )
        self._history: list[Epoch] = []
        self._ending = Ending()
        self._end: Snapshot | None = None
        """The state after the last epoch, before other weights were restored."""
        self._began = self._reported = 0.0

    def _refused(self, *kinds: type[Exception]) -> AbstractContextManager[None]:
        return refused_by_keras(*kinds, graph_place=self._task.graph_place)

    def _make_validation(self, feed: Feed, steps: Any) -> Steps:
        batch_size = self._fit.validation_batch_size or self._fit.batch_size
        return Steps(self._model, steps.test_step, feed, batch_size)

    @property
    def _epoch(self) -> int:
        """The number of finished epochs, with those that the job leaves out."""
        return self._fit.initial_epoch + len(self._history)

    def run(self) -> Trained:
        """Trains the remaining epochs, counted from the beginning of the job."""
        model = self._model
        model.stop_training = False
        self._callbacks.on_train_begin()
        start = self._resume(self._task.checkpoint)
        where = describe_environment(self._task.deterministic)
        self._link.send(Started(where, self._epoch, start.step, self._count))
        if start.step:
            self._run_epoch(start.step, start.seconds)
        while self._epoch < self._fit.epochs and not self._is_over():
            self._run_epoch()
        self._end = self._checkpoints.snapshot() if self._validation is not None else None
        state = self._optimizer.snapshot(self._made_callbacks, self._variables)
        settle(self._made_callbacks)
        model.optimizer.finalize_variable_values(model.trainable_variables)
        self._callbacks.on_train_end(self._history[-1].metrics)
        return self._describe(self._optimizer.write(self._folder, state))

    def _is_over(self) -> bool:
        """Returns whether a callback or the client has ended the training."""
        if self._model.stop_training:
            return True
        if self._history and self._link.is_finish_requested:
            self._ending = Ending(is_asked=True)
        return self._ending.is_asked

    def save_if_requested(self) -> None:
        """Answers a request for a checkpoint after the last epoch."""
        if self._link.take_save_request():
            checkpoint = self._make_checkpoint()
            file = self._checkpoints.save(checkpoint, requested=True, snapshot=self._end)
            self._link.send(Checkpointed(*checkpoint.position, self._count, file))
            self._link.wait_for_end()

    def _describe(self, optimizer: ModelFile) -> Trained:
        """Describes the training after its end."""
        callbacks = self._made_callbacks
        kept = get_kept_epoch(callbacks, self._epoch)
        best = find_best(callbacks) or self._kept.best
        missing = self._data.describe_missing()
        return Trained(self._history, kept, self._find_stop(), best, optimizer, missing)

    def _find_stop(self) -> Stop | None:
        if self._ending.is_asked:
            return Stop(epoch=self._epoch, reason="asked", step=self._ending.step)
        if self._epoch == self._fit.epochs:
            return None
        is_finite = bool(np.isfinite(self._history[-1].metrics["loss"]))
        return find_stop(self._made_callbacks, self._epoch, is_finite=is_finite)

    def _resume(self, path: Path | None) -> Checkpoint:
        """Restores a checkpoint; without one that fits this model, starts at the beginning."""
        restored = None if path is None else self._checkpoints.restore(path)
        start = restored or Checkpoint([], stopped=False, first=self._fit.initial_epoch)
        self._history, self._ending = start.history, start.ending
        self._kept.replay(start.history)
        self._model.stop_training = start.stopped
        return start

    def _run_epoch(self, start: int = 0, seconds: float = 0.0) -> None:
        """Runs one epoch, or the rest of it.

        Args:
            start: Finished steps of the epoch.
            seconds: Time that these steps took.
        """
        self._began = time.monotonic() - seconds
        epoch = self._epoch
        self._callbacks.on_epoch_begin(epoch)
        self._done = start
        number = epoch + self._task.order_shift
        parts = make_parts(number, self._count, self._steps.count, self._make_order)
        logs = self._steps.run_parts(parts, self._on_progress, start)
        if self._done < self._count:  # as Keras does, the epoch ends with its validation
            self._ending = Ending(is_asked=True, step=self._done)
            self._model.stop_training = True
        validates = self._validation is not None and self._fit.validates_after(epoch + 1)
        if self._validation is not None and validates:
            logs |= self._validate(self._validation, logs)
        self._end_epoch(self._end_callbacks(epoch, logs, validates=validates))

    def _end_callbacks(self, epoch: int, logs: Logs, *, validates: bool) -> Logs:
        """Calls the callbacks at the end of an epoch.

        Returns:
            The metrics, with those that callbacks add, e.g. the learning rate.
        """
        history = self._model.history.history
        before = {name: len(values) for name, values in history.items()}
        with self._refused(ValueError), warnings.catch_warnings():  # e.g. an unknown direction
            if self._validation is not None and not validates:  # this epoch lacks the monitor
                warnings.simplefilter("ignore", UserWarning)
            self._callbacks.on_epoch_end(epoch, logs)
        return {
            name: values[-1]
            for name, values in history.items()
            if len(values) > before.get(name, 0)
        }

    def _make_order(self, number: int) -> Rows:
        """Returns the order of the examples of a pass, which the seed and its number decide."""
        seed, fit = self._task.seed, self._fit
        order = make_row_order(seed, number, self._steps.rows, shuffle=fit.shuffle)
        if self._lengths is None:
            return order
        return order_by_length(
            order, self._lengths, fit.batch_size, seed, number, shuffle=fit.shuffle
        )

    def _end_epoch(self, metrics: Logs) -> None:
        seconds = time.monotonic() - self._began
        epoch = self._epoch + 1
        self._history.append(Epoch(epoch=epoch, seconds=seconds, metrics=metrics))
        kept = self._kept.save(epoch, self._count_steps(), metrics)
        requested = self._link.take_save_request()
        file = self._checkpoints.save(self._make_checkpoint(), requested=requested)
        self._link.send(EpochEnded(epoch, seconds, metrics, file, kept))
        if requested:
            self._link.wait_for_end()

    def _count_steps(self) -> int:
        """Returns the number of steps that the job has trained at the end of an epoch."""
        return (len(self._history) - 1) * self._count + self._done

    def _make_checkpoint(self, step: int = 0) -> Checkpoint:
        """Returns the state after so many steps of the present epoch."""
        seconds = time.monotonic() - self._began if step else 0.0
        stopped, first = self._model.stop_training, self._fit.initial_epoch
        return Checkpoint(self._history, stopped, step, seconds, first, self._ending)

    def _on_progress(self, step: int, logs: Logs) -> bool:
        """Handles the end of an execution; returns whether the client has ended the training."""
        self._done = step
        with self._refused(RuntimeError):  # TerminateOnNaN(raise_error=True)
            self._callbacks.on_train_batch_end(step - 1, logs)
        self._report(step, logs)
        self._save_if_due(step)
        return self._link.is_finish_requested

    def _validate(self, validation: Steps, logs: Logs) -> Logs:
        """Runs the validation; checkpoints during it contain the state from before it."""
        steps, snapshot = self._done, self._checkpoints.snapshot()

        def on_progress(*_: object) -> None:
            self._report(steps, logs)
            self._save_if_due(steps, snapshot)

        self._callbacks.on_test_begin()
        found = validation.run(np.arange(validation.rows), on_progress)
        self._callbacks.on_test_end(found)
        return {f"val_{name}": value for name, value in found.items()}

    def _report(self, step: int, logs: Logs) -> None:
        if time.monotonic() - self._reported >= SECONDS_BETWEEN_REPORTS:
            self._reported = time.monotonic()
            self._link.send(Stepped(self._epoch, step, self._count, logs))

    def _save_if_due(self, step: int, snapshot: Snapshot | None = None) -> None:
        """Writes a checkpoint within the epoch if one is due or requested."""
        requested, checkpoint = self._link.take_save_request(), self._make_checkpoint(step)
        file = self._checkpoints.save(checkpoint, requested=requested, snapshot=snapshot)
        if requested or file is not None:
            position = checkpoint.position
            self._link.send(Checkpointed(*position, self._count, file))
        if requested:
            self._link.wait_for_end()


def _make_callbacks(fit: Fit) -> list[Any]:
    return [
        make_callback(spec, ("fit", "callbacks", str(i))) for i, spec in enumerate(fit.callbacks)
    ]


def _build_variables(model: Any, feed: Feed, task: TrainTask, strategy: Any) -> None:
    """Builds metrics and optimizer from shapes, so that a checkpoint can restore both."""
    if strategy is not None:  # optimizer variables exist on each device, metrics only once
        with strategy.scope():
            model.optimizer.build(model.trainable_variables)
    batch_size = task.fit.batch_size
    even = feed.rows % batch_size == 0
    with refused_by_keras(ValueError, graph_place=task.graph_place):
        batch = feed.make_symbolic_batch(batch_size if even else None)
        build_training(model, batch, name_parts(task.recipe))
