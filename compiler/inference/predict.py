"""Predicts with Keras from a blueprint and stored weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from compiler.inference.forward import Arrays, make_forward
from compiler.model.build import BuiltModel, build
from compiler.model.weights import assign
from domain.graph.language import Blueprint


def open_model(blueprint_json: str, weights_path: str) -> Callable[[Arrays, int], Arrays]:
    """Return a function that computes a model's outputs.

    Args:
        blueprint_json: JSON of a `Blueprint`.
        weights_path: Path of the model's `model.safetensors`.

    Returns:
        A function from arrays of shape (rows, ...) by input name, and the number of rows that are
        computed at once, to arrays of shape (rows, ...) by output name.
    """
    built = restore(blueprint_json, weights_path)
    forward = make_forward(built.model)
    names = [item.name for item in built.blueprint.definition.inputs]

    def run(inputs: Arrays, batch: int) -> Arrays:
        arrays = [inputs[name] for name in names]
        parts = [
            forward([array[start : start + batch] for array in arrays])
            for start in range(0, max(len(arrays[0]), 1), batch)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return run


def restore(blueprint_json: str, weights_path: str) -> BuiltModel:
    """Return the Keras model of a blueprint, with stored weights."""
    built = build(Blueprint.model_validate_json(blueprint_json), seed=0)
    assign(built, load_file(Path(weights_path)))
    return built
