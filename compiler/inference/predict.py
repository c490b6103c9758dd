"""Predicts with Keras from a blueprint and stored weights."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from compiler.inference.forward import Arrays, make_forward
from compiler.model.build import BuiltModel, build
from compiler.model.weights import assign
from domain.graph.language import Blueprint


def predict(blueprint_json: str, weights_path: str, inputs: Arrays, batch: int) -> Arrays:
    """Return a model's predictions.

    Args:
        blueprint_json: JSON of a `Blueprint`.
        weights_path: Path of the model's `model.safetensors`.
        inputs: Arrays of shape (rows, ...) by input name.
        batch: Number of rows that are computed at once.

    Returns:
        Arrays of shape (rows, ...) by output name.
    """
    built = restore(blueprint_json, weights_path)
    forward = make_forward(built.model)
    arrays = [inputs[item.name] for item in built.blueprint.definition.inputs]
    parts = [
        forward([array[start : start + batch] for array in arrays])
        for start in range(0, max(len(arrays[0]), 1), batch)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def restore(blueprint_json: str, weights_path: str) -> BuiltModel:
    """Return the Keras model of a blueprint, with stored weights."""
    built = build(Blueprint.model_validate_json(blueprint_json), seed=0)
    assign(built, load_file(Path(weights_path)))
    return built
