"""Checkpoints: everything that another process needs to resume a training with the same bits."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from domain.job.job import Epoch
from domain.model import ModelFile
from worker.training import callbacks as callback_state
from worker.training.output_folder import OutputFolder
from worker.training.variables import Tensors, Variables

MEDIA_TYPE = "application/vnd.safetensors"
MOST_OF_TIME = 0.1
"""The largest fraction of the time since the last checkpoint that the next one may take."""
ASSUMED_BYTES_PER_SECOND = 2e8
"""The write speed that is assumed before the first checkpoint is measured."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training besides its variables."""

    history: list[Epoch]
    stopped: bool
    """Whether a callback ended the training."""
    step: int = 0
    """Finished steps of the present epoch; all of them if only its validation is left."""
    seconds: float = 0.0
    """Time that the present epoch has taken so far."""

    @property
    def position(self) -> tuple[int, int]:
        """Finished epochs, and finished steps of the next one."""
        return len(self.history), self.step


class Checkpoints:
    """Writes checkpoints that are due or requested, and restores one."""

    def __init__(
        self, folder: OutputFolder, variables: Variables, callbacks: Sequence[Any], seconds: float
    ) -> None:
        """Writes nothing yet.

        Args:
            folder: The attempt's folder.
            variables: Variables of a model whose metrics and optimizer are built.
            callbacks: Keras callbacks whose state is saved.
            seconds: Least time between two checkpoints within an epoch.
        """
        self._folder = folder
        self._variables = variables
        self._callbacks = callbacks
        self._seconds = seconds
        self._cost = variables.bytes / ASSUMED_BYTES_PER_SECOND
        self._last = time.monotonic()
        self._position = (0, 0)

    def snapshot(self) -> Tensors:
        """Returns the variables' present values, for a checkpoint that is written later."""
        return self._variables.snapshot()

    def save(
        self, checkpoint: Checkpoint, *, requested: bool = False, tensors: Tensors | None = None
    ) -> ModelFile | None:
        """Writes a file named by its position; None if no checkpoint is due.

        Args:
            checkpoint: The state that belongs to the variables.
            requested: Write it even if it is not due, unless nothing has changed.
            tensors: The variables' values; None: their present values.
        """
        began = time.monotonic()
        if checkpoint.position == self._position:
            return None
        if not (requested or self._is_due(checkpoint, began)):
            return None
        values = tensors or self.snapshot()
        name = "checkpoint-{}-{}.safetensors".format(*checkpoint.position)
        written = self._folder.write(name, MEDIA_TYPE, lambda p: self._fill(p, checkpoint, values))
        self._last, self._position = time.monotonic(), checkpoint.position
        self._cost = self._last - began
        return written

    def _is_due(self, checkpoint: Checkpoint, now: float) -> bool:
        since = now - self._last
        is_cheap = self._cost <= MOST_OF_TIME * since
        return is_cheap and (checkpoint.step == 0 or since >= self._seconds)

    def _fill(self, path: Path, checkpoint: Checkpoint, tensors: Tensors) -> None:
        state = {
            "history": [epoch.model_dump() for epoch in checkpoint.history],
            "stopped": checkpoint.stopped,
            "step": checkpoint.step,
            "seconds": checkpoint.seconds,
            "callbacks": callback_state.get_state(self._callbacks),
        }
        text = np.frombuffer(json.dumps(state).encode(), np.uint8)
        arrays = {name: np.asarray(tensor.numpy()) for name, tensor in tensors.items()}
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
        checkpoint = Checkpoint(history, state["stopped"], step, seconds)
        self._position = checkpoint.position
        return checkpoint
