"""Checkpoints: everything that another process needs to resume a training with the same bits."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from domain.graph.language import Blueprint
from domain.job.job import Epoch
from domain.model import ModelFile
from worker.training.output_folder import OutputFolder
from worker.training.state import callbacks as callback_state
from worker.training.state.variables import Tensors, Variables

MEDIA_TYPE = "application/vnd.safetensors"
MOST_OF_TIME = 0.1
"""The largest fraction of the time since the last checkpoint that the next one may take."""
ASSUMED_BYTES_PER_SECOND = 2e8
"""The write speed that is assumed before the first checkpoint is measured."""


@dataclass(frozen=True)
class Snapshot:
    """The variables and the states of the callbacks at one moment."""

    tensors: Tensors
    callbacks: list[dict[str, Any]]


@dataclass(frozen=True)
class Ending:
    """Whether the client has ended a training."""

    is_asked: bool = False
    step: int | None = None
    """Finished steps of the last epoch; None if it is whole."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training besides its variables."""

    history: list[Epoch]
    stopped: bool
    """Whether a callback or the client has ended the training."""
    step: int = 0
    """Finished steps of the present epoch; all of them if only its validation is left."""
    seconds: float = 0.0
    """Time that the present epoch has taken so far."""
    first: int = 0
    """The epochs that the job leaves out."""
    ending: Ending = Ending()

    @property
    def position(self) -> tuple[int, int]:
        """Finished epochs, with those that are left out, and finished steps of the next one."""
        return self.first + len(self.history), self.step


def restore_blueprint(path: Path | None) -> Blueprint | None:
    """Returns the definition with the states that layers learned; None if there is none.

    Args:
        path: The last checkpoint, if there is one.
    """
    if path is None:
        return None
    with safe_open(path, "numpy") as file:
        state = json.loads(file.get_tensor("state").tobytes())
    blueprint = state.get("blueprint")
    return None if blueprint is None else Blueprint.model_validate(blueprint)


class Checkpoints:
    """Writes checkpoints that are due or requested, and restores one."""

    def __init__(
        self,
        folder: OutputFolder,
        variables: Variables,
        callbacks: Sequence[Any],
        seconds: float,
        learned: Blueprint | None = None,
    ) -> None:
        """Writes nothing yet.

        Args:
            folder: The attempt's folder.
            variables: Variables of a model whose metrics and optimizer are built.
            callbacks: Keras callbacks whose state is saved.
            seconds: Least time between two checkpoints within an epoch.
            learned: The model's definition, if its layers have learned states.
        """
        self._learned = learned
        self._folder = folder
        self._variables = variables
        self._callbacks = callbacks
        self._seconds = seconds
        self._cost = variables.bytes / ASSUMED_BYTES_PER_SECOND
        self._last = time.monotonic()
        self._position = (0, 0)

    def snapshot(self) -> Snapshot:
        """Returns the present values, for a checkpoint that is written later."""
        states = callback_state.get_state(self._callbacks)
        return Snapshot(self._variables.snapshot(), states)

    def save(
        self, checkpoint: Checkpoint, *, requested: bool = False, snapshot: Snapshot | None = None
    ) -> ModelFile | None:
        """Writes a file named by its position; None if no checkpoint is due.

        Args:
            checkpoint: The state that belongs to the variables.
            requested: Write it even if it is not due, unless nothing has changed.
            snapshot: The values; None: the present ones.
        """
        began = time.monotonic()
        if checkpoint.position == self._position:
            return None
        if not (requested or self._is_due(checkpoint, began)):
            return None
        values = snapshot or self.snapshot()
        name = "checkpoint-{}-{}.safetensors".format(*checkpoint.position)
        written = self._folder.write(name, MEDIA_TYPE, lambda p: self._fill(p, checkpoint, values))
        self._last, self._position = time.monotonic(), checkpoint.position
        self._cost = self._last - began
        return written

    def _is_due(self, checkpoint: Checkpoint, now: float) -> bool:
        since = now - self._last
        is_cheap = self._cost <= MOST_OF_TIME * since
        return is_cheap and (checkpoint.step == 0 or since >= self._seconds)

    def _fill(self, path: Path, checkpoint: Checkpoint, snapshot: Snapshot) -> None:
        state = {
            "history": [epoch.model_dump() for epoch in checkpoint.history],
            "stopped": checkpoint.stopped,
            "step": checkpoint.step,
            "seconds": checkpoint.seconds,
            "first": checkpoint.first,
            "ending": asdict(checkpoint.ending),
            "callbacks": snapshot.callbacks,
        }
        if self._learned is not None:
            state["blueprint"] = self._learned.model_dump(mode="json", by_alias=True)
        text = np.frombuffer(json.dumps(state).encode(), np.uint8)
        arrays = {name: np.asarray(tensor.numpy()) for name, tensor in snapshot.tensors.items()}
        best = callback_state.get_best_weights(self._callbacks)
        save_file({"state": text, **arrays, **best}, path)

    def restore(self, path: Path) -> Checkpoint | None:
        """Restores everything. Call it after the callbacks' `on_train_begin`.

        Returns:
            None if another version wrote the file for other variables; then nothing changes.
        """
        arrays = load_file(path)
        state = json.loads(arrays["state"].tobytes())
        step, seconds = state.get("step", 0), state.get("seconds", 0.0)
        if not self._variables.accepts(arrays, within_epoch=step > 0):
            return None
        self._variables.assign(arrays)
        callback_state.restore(self._callbacks, state["callbacks"], arrays)
        history = [Epoch(**epoch) for epoch in state["history"]]
        first, ending = state.get("first", 0), Ending(**state.get("ending", {}))
        checkpoint = Checkpoint(history, state["stopped"], step, seconds, first, ending)
        self._position = checkpoint.position
        return checkpoint
