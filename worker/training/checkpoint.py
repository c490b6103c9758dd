"""All that a training needs to go on in another process as if nothing had happened."""

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
from worker.training.callbacks import put_back, state_of, weights_of
from worker.training.output_folder import Folder
from worker.training.variables import Tensors, Variables

MEDIA_TYPE = "application/vnd.safetensors"
COST = 0.1
"""Of the time since the last checkpoint: more than this is not spent on the next one."""
ASSUMED_BYTES_PER_SECOND = 2e8
"""Until the first one has been measured."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands, besides its variables."""

    history: list[Epoch]
    stopped: bool
    """A callback ended the training."""
    step: int = 0
    """Finished steps of the present epoch; all of them where only its validation is left."""
    seconds: float = 0.0
    """That the present epoch has taken so far."""

    @property
    def place(self) -> tuple[int, int]:
        """Finished epochs, and steps of the next."""
        return len(self.history), self.step


class Checkpoints:
    """Writes a checkpoint when one is due, or asked for, and restores one."""

    def __init__(
        self, folder: Folder, variables: Variables, callbacks: Sequence[Any], seconds: float
    ) -> None:
        """Nothing is written yet.

        Args:
            folder: Of the attempt.
            variables: Of a model whose metrics and optimizer are built.
            callbacks: Those that remember something.
            seconds: Between two checkpoints within an epoch, if they are cheap.
        """
        self._folder = folder
        self._variables = variables
        self._callbacks = callbacks
        self._seconds = seconds
        self._cost = variables.bytes / ASSUMED_BYTES_PER_SECOND
        self._last = time.monotonic()
        self._place = (0, 0)

    def held(self) -> Tensors:
        """What a checkpoint of this moment, written later, would hold."""
        return self._variables.held()

    def save(
        self, checkpoint: Checkpoint, *, asked: bool = False, held: Tensors | None = None
    ) -> ModelFile | None:
        """One file, named by its place; `None` where there is none to write.

        Args:
            checkpoint: The state that goes with the variables.
            asked: Whatever it costs, unless nothing has happened since the last one.
            held: The variables' values, where they have changed since.
        """
        began = time.monotonic()
        if checkpoint.place == self._place or not (asked or self._is_due(checkpoint, began)):
            return None
        tensors = held or self.held()
        name = "checkpoint-{}-{}.safetensors".format(*checkpoint.place)
        written = self._folder.write(name, MEDIA_TYPE, lambda p: self._fill(p, checkpoint, tensors))
        self._last, self._place = time.monotonic(), checkpoint.place
        self._cost = self._last - began
        return written

    def _is_due(self, checkpoint: Checkpoint, now: float) -> bool:
        since = now - self._last
        return self._cost <= COST * since and (checkpoint.step == 0 or since >= self._seconds)

    def _fill(self, path: Path, checkpoint: Checkpoint, tensors: Tensors) -> None:
        state = {
            "history": [epoch.model_dump() for epoch in checkpoint.history],
            "stopped": checkpoint.stopped,
            "step": checkpoint.step,
            "seconds": checkpoint.seconds,
            "callbacks": state_of(self._callbacks),
        }
        text = np.frombuffer(json.dumps(state).encode(), np.uint8)
        arrays = {name: np.asarray(tensor.numpy()) for name, tensor in tensors.items()}
        save_file({"state": text, **arrays, **weights_of(self._callbacks)}, path)

    def restore(self, path: Path) -> Checkpoint | None:
        """Put everything back; comes after the callbacks' `on_train_begin`.

        Returns:
            `None`, and nothing is changed, where the file is of another version's making.
        """
        arrays = load_file(path)
        state = json.loads(arrays["state"].tobytes())
        step, seconds = state.get("step", 0), state.get("seconds", 0.0)
        if not self._variables.fit(arrays, within_epoch=step > 0):
            return None
        self._variables.assign(arrays)
        put_back(self._callbacks, state["callbacks"], arrays)
        history = [Epoch(**epoch) for epoch in state["history"]]
        checkpoint = Checkpoint(history, state["stopped"], step, seconds)
        self._place = checkpoint.place
        return checkpoint
