"""Writes a graph as Keras's JSON, loads it with Keras, and compares the two models."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from compiler.entrypoints import write_keras_json
from compiler.inference.forward import generate_rows, make_forward
from compiler.model.build import build
from domain.graph.keras_json import WriteResult
from domain.graph.language import Blueprint
from tests.compiler.graphs import blueprint


def write_graph(
    definition: Mapping[str, Any], sources: Mapping[str, Blueprint] | None = None
) -> WriteResult:
    """Return the result of writing a graph as Keras's JSON."""
    given = blueprint(definition, sources).model_dump_json(by_alias=True)
    return WriteResult.model_validate_json(write_keras_json(given))


def find_faults(
    definition: Mapping[str, Any], sources: Mapping[str, Blueprint] | None = None
) -> dict[str, str]:
    """Return the details of the faults of writing a graph, by pointer."""
    result = write_graph(definition, sources)
    assert (result.keras_json is None) == bool(result.faults)
    return {fault.pointer: fault.detail for fault in result.faults}


def assert_reloads(
    definition: Mapping[str, Any],
    folder: Path,
    sources: Mapping[str, Blueprint] | None = None,
) -> Any:
    """Return the model that Keras loads; assert that it equals the one that we build."""
    result = write_graph(definition, sources)
    assert result.faults == []
    theirs = keras.models.model_from_json(json.dumps(result.keras_json, allow_nan=False))
    ours = build(blueprint(definition, sources), seed=1).model
    _same_form(ours, theirs)
    path = folder / "model.weights.h5"
    keras.Model(ours.inputs, ours.output, name=ours.name).save_weights(path)  # as the worker does
    theirs.load_weights(path)
    if not any("lora" in weight.path for weight in ours.weights):  # Keras's file merges those
        for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    rows = generate_rows(ours, 2)
    wanted, got = make_forward(ours)(rows), make_forward(theirs)(rows)
    for name, array in wanted.items():
        np.testing.assert_array_equal(got[name], array)
    return theirs


def _same_form(ours: Any, theirs: Any) -> None:
    assert [item.name for item in theirs.inputs] == [item.name for item in ours.inputs]
    assert list(theirs.output) == list(ours.output)
    for attribute in ("weights", "trainable_weights", "non_trainable_weights"):
        shapes = [[tuple(w.shape) for w in getattr(model, attribute)] for model in (ours, theirs)]
        assert shapes[0] == shapes[1]
    for one, other in zip([*ours.inputs, *ours.outputs], [*theirs.inputs, *theirs.outputs],
                          strict=True):  # fmt: skip
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
