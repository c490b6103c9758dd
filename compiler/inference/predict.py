"""Predictions by Keras itself, in a process of their own."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from compiler.inference.forward import Arrays, forward_of
from compiler.model.build import Built, build
from compiler.model.weights import assign
from domain.graph.language import Blueprint


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
    built = restored(blueprint_json, weights_path)
    forward = forward_of(built.model)
    arrays = [inputs[item.name] for item in built.blueprint.definition.inputs]
    parts = [
        forward([array[start : start + batch] for array in arrays])
        for start in range(0, max(len(arrays[0]), 1), batch)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def restored(blueprint_json: str, weights_path: str) -> Built:
    """The Keras model of a blueprint with stored weights."""
    built = build(Blueprint.model_validate_json(blueprint_json), seed=0)
    assign(built, load_file(Path(weights_path)))
    return built
