"""All that a training needs to go on in another process as if nothing had happened."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from domain.job import Epoch
from domain.model import ModelFile
from worker.callbacks import Arrays, put_back, state_of, weights_of
from worker.folder import Folder

MEDIA_TYPE = "application/vnd.safetensors"
COST = 0.1
"""Of the time since the last checkpoint: more than this is not spent on the next one."""
LONGEST_SECONDS = 60.0
"""Between two checkpoints, whatever they cost (an epoch that lasts longer excepted)."""
ASSUMED_BYTES_PER_SECOND = 2e8
"""Until the first one has been measured."""


@dataclass(frozen=True)
class Checkpoint:
    """The state after an epoch, besides the variables."""

    history: list[Epoch]
    stopped: bool
    """A callback ended the training."""


class Variables:
    """Every variable of a compiled model and its optimizer, under names of our own."""

    def __init__(self, variables: Mapping[str, Any], optimizer: Any) -> None:
        self._all = {f"model/{name}": item for name, item in variables.items()}
        self._all |= {f"optimizer/{i}": item for i, item in enumerate(optimizer.variables)}

    @property
    def bytes(self) -> int:
        """Of one checkpoint, about."""
        return sum(int(np.prod(item.shape)) * 4 for item in self._all.values())

    def arrays(self) -> Arrays:
        """Their present values."""
        return {name: np.asarray(item.numpy()) for name, item in self._all.items()}

    def assign(self, arrays: Mapping[str, Any]) -> None:
        """Give each its value back."""
        for name, item in self._all.items():
            item.assign(arrays[name])


class Checkpoints:
    """Writes a checkpoint at an epoch's end, unless that costs too much, and restores one."""

    def __init__(self, folder: Folder, variables: Variables, callbacks: Sequence[Any]) -> None:
        self._folder = folder
        self._variables = variables
        self._callbacks = callbacks
        self._cost = variables.bytes / ASSUMED_BYTES_PER_SECOND
        self._last = time.monotonic()

    def save(self, checkpoint: Checkpoint) -> ModelFile | None:
        """One file, numbered by the epochs behind it; `None` where it is not worth its cost."""
        began = time.monotonic()
        since = began - self._last
        if self._cost > COST * since and since < LONGEST_SECONDS:
            return None
        name = f"checkpoint-{len(checkpoint.history)}.safetensors"
        written = self._folder.write(name, MEDIA_TYPE, lambda path: self._fill(path, checkpoint))
        self._last = time.monotonic()
        self._cost = self._last - began
        return written

    def _fill(self, path: Path, checkpoint: Checkpoint) -> None:
        state = {
            "history": [epoch.model_dump() for epoch in checkpoint.history],
            "stopped": checkpoint.stopped,
            "callbacks": state_of(self._callbacks),
        }
        text = np.frombuffer(json.dumps(state).encode(), np.uint8)
        arrays = self._variables.arrays() | weights_of(self._callbacks)
        save_file({"state": text, **arrays}, path)

    def restore(self, path: Path) -> Checkpoint:
        """Put everything back; comes after the callbacks' `on_train_begin`."""
        arrays = load_file(path)
        state = json.loads(arrays["state"].tobytes())
        self._variables.assign(arrays)
        put_back(self._callbacks, state["callbacks"], arrays)
        history = [Epoch(**epoch) for epoch in state["history"]]
        return Checkpoint(history, state["stopped"])
