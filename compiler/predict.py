"""Predictions by Keras itself, in a process of their own."""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from compiler.build import build
from compiler.forward import Arrays, forward_of
from compiler.weights import assign
from domain.graph import Blueprint


def predict(blueprint_json: str, weights_path: str, inputs: Arrays, batch: int) -> Arrays:
    """What a model gives for some rows.

    Args:
        blueprint_json: A `Blueprint`.
        weights_path: The model's `model.safetensors`.
        inputs: By input, each of shape (rows, ...).
        batch: Rows in memory at once.

    Returns:
        By output, each of shape (rows, ...).
    """
    forward = forward_of(restored(blueprint_json, weights_path))
    rows = len(next(iter(inputs.values())))
    parts = [
        forward({name: array[start : start + batch] for name, array in inputs.items()})
        for start in range(0, max(rows, 1), batch)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def restored(blueprint_json: str, weights_path: str) -> Any:
    """The Keras model of a blueprint with stored weights."""
    built = build(Blueprint.model_validate_json(blueprint_json), seed=0)
    assign(built, load_file(Path(weights_path)))
    return built.model
