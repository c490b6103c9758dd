"""The file with the state of the optimizer, with which another job goes on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import load_file, save_file

from compiler.keras_private import SWAPPED, get_rate_variable, swap_averages
from domain.job.fit.continuation import FILE
from domain.model import ModelFile
from worker.training.output_folder import OutputFolder
from worker.training.state.variables import Tensors, Variables

MEDIA_TYPE = "application/vnd.safetensors"
RATE = "rate"
MODEL = "model/"


class OptimizerState:
    """The variables of an optimizer, and those of its model before averages replace them."""

    def __init__(self, model: Any, named: Mapping[str, Any]) -> None:
        """Reads nothing yet.

        Args:
            model: A compiled model whose metrics and optimizer are built.
            named: The model's own variables by their keys.
        """
        optimizer = model.optimizer
        rate = get_rate_variable(optimizer)
        others = [variable for variable in optimizer.variables if variable is not rate]
        self._optimizer = {f"optimizer/{i}": variable for i, variable in enumerate(others)}
        self._rate = {} if rate is None else {RATE: rate}
        self._model = {f"{MODEL}{key}": variable for key, variable in named.items()}
        self._averages = bool(getattr(optimizer, "inner_optimizer", optimizer).use_ema)

    def snapshot(self, callbacks: Sequence[Any], variables: Variables) -> Tensors:
        """Returns the present values as the next epoch would find them.

        Args:
            callbacks: Callbacks, some of which may have put averages into the model.
            variables: All variables; they have their present values afterwards.
        """
        swapped = [
            item
            for item in callbacks
            if isinstance(item, keras.callbacks.SwapEMAWeights) and getattr(item, SWAPPED)
        ]
        before = variables.snapshot() if swapped else {}
        for item in swapped:
            swap_averages(item)
        named = {**self._optimizer, **self._rate, **(self._model if self._averages else {})}
        found = {name: np.asarray(item.numpy()) for name, item in named.items()}
        variables.assign(before)
        return found

    def write(self, folder: OutputFolder, values: Tensors) -> ModelFile:
        """Writes the file."""
        return folder.write(FILE, MEDIA_TYPE, lambda path: save_file(values, path))

    def restore(self, path: Path, *, keeps_rate: bool) -> None:
        """Sets the variables to the values of a file.

        Args:
            path: The file.
            keeps_rate: Whether the learning rate is set as well.
        """
        arrays = load_file(path)
        rates = self._rate if keeps_rate else {}
        for name, variable in {**self._optimizer, **self._model, **rates}.items():
            if name in arrays:
                variable.assign(arrays[name])
